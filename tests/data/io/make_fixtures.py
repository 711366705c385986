"""Makes the fixtures that R haven cannot write: python make_fixtures.py (in this folder).

Needs pandas, openpyxl and odfpy for the sheets; the SPSS file in windows-1252 and the portable files
are written byte by byte, with the records that haven does not write (multiple response sets, attributes,
documents, missing values).
The values are made up.
"""

import datetime
import struct

import pandas as pd
from odf.namespaces import OFFICENS
from odf.table import TableCell, TableRow


def spss_1252(path, order):
    """A .sav of an older SPSS: windows-1252, no long names, most significant byte first or last."""

    def i(*values):
        return struct.pack(order + "i" * len(values), *values)

    def d(value):
        return struct.pack(order + "d", value)

    def text(value, width):
        return value.encode("cp1252").ljust(width)

    def variable(name, kind, label, missing=(), count=None, fmt=(5, 8, 2)):
        packed = (fmt[0] << 16) | (fmt[1] << 8) | fmt[2]
        out = i(2, kind, 1 if label else 0, len(missing) if count is None else count, packed, packed)
        out += text(name, 8)
        if label:
            raw = label.encode("cp1252")
            out += i(len(raw)) + raw.ljust(-(-len(raw) // 4) * 4)
        for m in missing:
            out += d(m) if isinstance(m, float) else text(m, 8)
        return out

    def extension(subtype, size, raw):
        return i(7, subtype, size, len(raw) // size) + raw

    def labels(pairs, elements):
        out = i(3, len(pairs))
        for value, label in pairs:
            raw = label.encode("cp1252")
            out += (d(value) if isinstance(value, float) else text(value, 8)) + bytes([len(raw)])
            out += raw.ljust(-(-(len(raw) + 1) // 8) * 8 - 1)
        return out + i(4, len(elements), *elements)

    names = ["Zoë", "naïve", "", "Müller", "Straße 1"]
    out = b"$FL2" + text("@(#) SPSS DATA FILE made by hand", 60)
    out += i(2, 6, 1, 6, len(names)) + d(100.0) + b"31 May 2413:45:10" + text("Étude", 64) + b"\0\0\0"
    out += variable("NOM", 12, "Prénom", fmt=(1, 12, 0)) + variable("", -1, "")
    out += variable("Q1", 0, "Réponse", (-9.0, -1.0, 99.0), count=-3)
    out += variable("Q2A", 0, "Erste Wahl") + variable("Q2B", 0, "Zweite Wahl", fmt=(20, 11, 0))
    out += variable("WT", 0, "")
    out += labels([(1.0, "Où"), (2.0, "Là"), (99.0, "Weiß nicht"), (-9.0, "Verweigert")], [3])
    out += i(6, 2) + text("A line of documentation.", 80) + text("Another.", 80)
    code_page = 1252
    out += extension(3, 4, i(18, 0, 0, -1, 1, 1, 1 if order == ">" else 2, code_page))
    out += extension(4, 8, d(-1.7976931348623157e308) + d(1.7976931348623157e308)
                     + d(-1.7976931348623155e308))
    out += extension(7, 1, b"$mr=D1 1 5 First Q2A Q2B\n")
    out += extension(11, 4, i(*(1, 8, 0) * 5))
    out += extension(17, 1, b"Origin('made by hand'\n)")
    out += extension(18, 1, b"Q1:$@Role('0'\n)")
    out += i(999, 0)
    codes, raw = [], b""
    stream = b""

    def put(code, data=b""):
        nonlocal codes, raw, stream
        codes.append(code)
        raw += data
        if len(codes) == 8:
            stream += bytes(codes) + raw
            codes, raw = [], b""

    def number(x):
        if x is None:
            put(255)
        elif x == int(x) and 1 <= x + 100 <= 251 and str(x) != "-0.0":
            put(int(x) + 100)
        else:
            put(253, d(x))

    for row, name in enumerate(names):
        value = text(name, 16)
        for part in (value[:8], value[8:]):
            put(254) if part == b" " * 8 else put(253, part)
        number([1.0, 2.0, -9.0, 99.0, -1.5][row])
        number([0.5, -0.0, None, 151.0, 152.0][row])
        number([13936406400.0, None, 13936406400.0 + 86400, 0.0, 12219379200.0][row])
        number([1.25, 0.75, 1.0, 2.0, 0.5][row])
    if codes:
        stream += bytes(codes).ljust(8, b"\0") + raw
    with open(path, "wb") as file:
        file.write(out + stream)


spss_1252("by_hand_1252.sav", "<")
spss_1252("by_hand_1252_big.sav", ">")

frame = pd.DataFrame(
    {
        "code": pd.Series([1, 2, 100, -127, 3], dtype="int8"),
        "medium": pd.Series([1, -32000, 3, 4, 32740], dtype="int16"),
        "large": pd.Series([1, 2_000_000_000, 3, 4, 5], dtype="int32"),
        "single": pd.Series([0.5, None, 1.5, -2.5, 1e30], dtype="float32"),
        "real": [0.1, None, 1e300, -1e-300, 2.0],
        "name": ["Zoë", "naïve", "", "Müller", "Straße"],
    }
)
frame["code"] = frame["code"].astype("int8")
labels = {"code": {1: "Où", 2: "Là"}}
for version, order in [(114, ">"), (114, "<"), (117, ">")]:
    suffix = "big" if order == ">" else "little"
    frame.to_stata(
        f"pandas_v{version}_{suffix}.dta", write_index=False, version=version, byteorder=order,
        value_labels=labels, variable_labels={"name": "Prénom"},
        convert_strl=["name"] if version == 117 else None,
        time_stamp=datetime.datetime(2024, 5, 31),
    )
unicode = frame.assign(name=["Łódź", "日本", "", "a" * 300, "Zoë"])
for version, order in [(118, ">"), (119, "<")]:
    suffix = "big" if order == ">" else "little"
    unicode.to_stata(
        f"pandas_v{version}_{suffix}.dta", write_index=False, version=version, byteorder=order,
        value_labels=labels, convert_strl=["name"], time_stamp=datetime.datetime(2024, 5, 31),
    )

margins = pd.DataFrame(
    {
        "variable": ["sex", "sex", "age × sex", "age × sex"],
        "level": ["Male", "Female", "16–24 × Male", "25+ × Female"],
        "total": [29200000, 30400000.5, 12, 13],
    }
)
mixed = pd.DataFrame(
    {
        "id": [1, 2, 3, 4],
        "day": [datetime.date(2024, 5, 31), datetime.date(1969, 12, 31), None, datetime.date(2000, 2, 29)],
        "when": [datetime.datetime(2024, 5, 31, 13, 45, 10), None, datetime.datetime(1999, 1, 1), None],
        "clock": [49510 / 86400, None, 1800 / 86400, None],
        "share": [0.25, None, -1.5, 1e10],
        "yes": [True, False, True, False],
        "text": ["Łódź", "a <b> & \"c\"", "NA", "  spaced   out "],
        "mixed": [1, "two", 3.5, None],
        "digits": ["1", "2", "3", "-4.5"],
        "zip": ["007", "12", "3", "4"],
    }
)
for path, engine in [("sheets.xlsx", "openpyxl"), ("sheets.ods", "odf")]:
    with pd.ExcelWriter(path, engine=engine) as writer:
        margins.to_excel(writer, sheet_name="Margins", index=False)
        mixed.to_excel(writer, sheet_name="Mixed", index=False)
        if engine == "openpyxl":
            for row in writer.sheets["Mixed"].iter_rows(min_row=2, min_col=4, max_col=4):
                row[0].number_format = "hh:mm:ss"
        else:
            rows = writer.sheets["Mixed"].getElementsByType(TableRow)
            for row, time in [(1, "PT13H45M10S"), (3, "PT00H30M00S")]:
                cell = rows[row].getElementsByType(TableCell)[3]
                cell.attributes.pop((OFFICENS, "value"))
                cell.setAttribute("valuetype", "time")
                cell.setAttribute("timevalue", time)


def portable(path, translated=False):
    """A portable file of SPSS with what pyreadstat does not write: labels, missing values, documents;
    with `translated`, in letters that stand for others, as files from large computers have."""
    from fractions import Fraction

    digits = "0123456789ABCDEFGHIJKLMNOPQRST"

    def whole(n):
        out = ""
        while True:
            n, last = divmod(n, 30)
            out = digits[last] + out
            if n == 0:
                return out

    def number(x):
        if x is None:
            return "*."
        if isinstance(x, str):
            return x + "/"
        exact = abs(Fraction(x).limit_denominator(10**9) if x != int(x) else Fraction(int(x)))
        out, rest = whole(int(exact)), exact - int(exact)
        if rest:
            out += "."
            for _ in range(14):
                rest *= 30
                out += digits[int(rest)]
                rest -= int(rest)
                if not rest:
                    break
        return ("-" if x < 0 else "") + out + "/"

    def text(t):
        return number(len(t.encode("cp1252"))) + t

    known = ("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz .<(+|&[]!$*);^-/|,%_>?`:"
             "#@'=\"")
    head = "ASCII SPSS PORT FILE".ljust(40) * 5 + "0" * 64 + known + "0" * (192 - len(known))
    head += "SPSSPORT" + "A" + text("20240531") + text("134510") + "1" + text("made by hand")
    values = number
    variables = [
        ("SEX", 0, (5, 8, 0), "C" + text("Sex of respondent")),
        ("AGE", 0, (5, 8, 0), "9" + values(-1) + "8" + values(999) + "C" + text("Age")),
        ("INCOME", 0, (5, 8, 2), "B" + values(97) + values(99)),
        ("TOP", 0, (5, 8, 2), "A" + values(90)),
        ("REGION", 4, (1, 4, 0), "8" + text("XX  ") + "C" + text("Région")),
        ("NAME", 60, (1, 60, 0), ""),
        ("DAY", 0, (20, 11, 0), ""),
        ("WT", 0, (5, 8, 6), ""),
    ]
    body = "4" + values(len(variables)) + "5" + values(11) + "6" + text("WT")
    for name, width, form, more in variables:
        body += "7" + values(width) + text(name) + "".join(values(f) for f in form) * 2 + more
    body += "D" + values(2) + text("SEX") + text("INCOME") + values(3)
    body += values(1) + text("Male") + values(2) + text("Female") + values(98) + text("Don't know")
    body += "D" + values(1) + text("REGION") + values(2)
    body += text("NE  ") + text("North East") + text("XX  ") + text("Unknown")
    body += "E" + values(1) + text("A line of documentation.") + "F"
    rows = [
        (1, 17, 97, 1.5, "NE", "Zoë", 13936406400, 0.1),
        (2, -1, 98, 90, "XX", "", 12219379200, 1.25),
        (2, -9, 99, 91.5, "", "a long name that goes beyond the end of a line     ", None, 273.15),
        (1, 999, None, 89.99, "NE", "  spaced", 13936406400 + 86400, "2F+8"),
        (None, 45, 1, -0.001, "N", "x", 0, 1 / 3),
    ]
    for row in rows:
        for value, (_, width, _, _) in zip(row, variables):
            body += text(value) if width else values(value)
    whole_file = head + body
    whole_file += "Z" * (80 - len(whole_file) % 80)
    raw = whole_file.encode("cp1252")
    if translated:
        # Digits and capitals change places.
        swap = {a: b for a, b in zip(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
                                     b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")}
        raw = raw[:200] + bytes(swap.get(b, b) for b in raw[200:])
    lines = [raw[i:i + 80].rstrip(b" ") for i in range(0, len(raw), 80)]
    with open(path, "wb") as file:
        file.write(b"\r\n".join(lines) + b"\r\n")


portable("by_hand.por")
portable("by_hand_translated.por", translated=True)


def catalogue(path, sets):
    """A SAS catalogue of formats: (name, [(value, label)]), a value being a number, a text for names
    that begin with $, or a missing value such as ".A". R haven reads what this writes, but for
    negative numbers, which its version of ReadStat takes apart in another way."""
    size = 4096
    head = bytearray(1024)
    magic = "000000000000000000000000c2ea8163b31411cfbd92080009c7318c181f1011"
    head[0:32] = bytes.fromhex(magic)
    head[32], head[35], head[37], head[39], head[70] = 0x22, 0x22, 1, ord("1"), 20
    head[84:92], head[92:156], head[156:164] = b"SAS FILE", b"FORMATS".ljust(64), b"CATALOG "
    pages = [bytearray(size) for _ in range(5)]
    index, at = bytearray(), 16
    for name, labels in sets:
        block = bytearray(106)
        block[8:16] = name.encode().ljust(8)
        struct.pack_into("<II", block, 38, len(labels), len(labels))
        for i, (value, _) in enumerate(labels):
            if name.startswith("$"):
                entry = bytearray(14) + value.encode().ljust(16)
            else:
                entry = bytearray(30)
                if isinstance(value, str):
                    bits = (ord(value[1]) - ord("A") + 2) << 40 | 0xFFFFFFFFFF
                else:
                    (bits,) = struct.unpack("<Q", struct.pack("<d", value))
                    bits = bits ^ 1 << 63 if value >= 0 else ~bits & (1 << 64) - 1
                struct.pack_into(">Q", entry, 22, bits)
            struct.pack_into("<H", entry, 2, len(entry) - 6)
            struct.pack_into("<I", entry, 10, i)
            block += entry
        for _, label in labels:
            raw = label.encode()
            block += bytes(8) + struct.pack("<H", len(raw)) + raw + b"\0"
        # In two segments of a chain, the second at the start of a page of its own.
        cut = len(block) // 2
        pages.append(bytearray(size))
        for segment, (page, place, following) in [
            (block[:cut], (5, at, (len(pages), 16))),
            (block[cut:], (len(pages), 16, (0, 0))),
        ]:
            struct.pack_into("<IHH", pages[page - 1], place, *following, len(segment))
            pages[page - 1][place + 16:place + 16 + len(segment)] = segment
        entry = bytearray(212)
        entry[0:4], entry[50] = b"XLSR", ord("O")
        struct.pack_into("<IH", entry, 4, 5, at)
        index += entry
        at += 16 + cut
    pages[1][856:856 + len(index)] = index
    struct.pack_into("<III", head, 196, 1024, size, len(pages))
    head[216:224], head[224:240] = b"9.0401M5", b"Linux".ljust(16)
    with open(path, "wb") as file:
        file.write(bytes(head) + b"".join(bytes(p) for p in pages))


# The columns SEX, REGION and OCC of haven_formats.sas7bdat and .xpt name these formats.
catalogue("by_hand.sas7bcat", [
    ("SEXF", [(1.0, "Male"), (2.0, "Female"), (-9.0, "Refused"), (1.5, "Between"), (".A", "Not asked")]),
    ("$REGF", [("N", "North"), ("S", "Süd")]),
    ("OCCF", [(float(i), f"Occupation {i}") for i in range(1, 60)]),
])

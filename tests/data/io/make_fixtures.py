"""Makes the fixtures that R haven cannot write: python make_fixtures.py (in this folder).

Needs pandas, openpyxl and odfpy for the sheets; the SPSS file in windows-1252 is written byte by
byte, with the records that haven does not write (multiple response sets, attributes, documents).
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

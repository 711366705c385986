//! Broken files: whatever is in them, reading ends soon, in a table or in an error, without a
//! panic, and without more memory than their size can account for.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rakewell::data::Column;
use rakewell::data::io::{
    DataError, Fault, NewColumn, ReadOptions, decoding, names, read, stage_appended, write_csv,
    write_parquet,
};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/io").join(name)
}

/// Panics that a user would see: those outside the decoders of others.
static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn watch_panics() {
    std::panic::set_hook(Box::new(|info| {
        if !decoding() {
            eprintln!("{info}");
            SEEN.lock().unwrap_or_else(|e| e.into_inner()).push(info.to_string());
        }
    }));
}

/// A sequence of numbers that is the same in every run.
struct Sequence(u64);

impl Sequence {
    fn below(&mut self, limit: usize) -> usize {
        // The multiplier and increment are Knuth's, of MMIX.
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % limit.max(1)
    }
}

/// Broken versions of a file: cut off, with bytes changed, with numbers put to extremes, with
/// parts taken out or doubled.
fn broken(whole: &[u8], round: u64) -> Vec<Vec<u8>> {
    let mut sequence = Sequence(whole.len() as u64 + (round << 32));
    let mut files = Vec::new();
    for i in 0..40 {
        let at = if i < 20 { whole.len() * i / 20 } else { sequence.below(whole.len()) };
        files.push(whole[..at].to_vec());
    }
    // Half of the changes are near the start, where the counts are.
    let mut place = |i: usize| {
        sequence.below(if i.is_multiple_of(2) { whole.len() } else { whole.len().min(700) })
    };
    for i in 0..120 {
        let (mut file, at) = (whole.to_vec(), place(i));
        match i % 6 {
            0 => file[at] ^= 1 << (i % 8),
            1 => file[at] = 0xff,
            2 => file[at] = 0,
            3 => file[at..].iter_mut().take(4).for_each(|b| *b = 0xff),
            4 => file[at..].iter_mut().take(8).for_each(|b| *b = 0x7f),
            _ => {
                let other = place(i);
                file.swap(at, other);
            }
        }
        files.push(file);
    }
    for i in 0..40 {
        let (a, b) = (place(i), place(i + 1));
        let (a, b) = (a.min(b), a.max(b));
        let mut file = whole[..a].to_vec();
        if i.is_multiple_of(2) {
            file.extend_from_slice(&whole[a..b]);
            file.extend_from_slice(&whole[a..]);
        } else {
            file.extend_from_slice(&whole[b..]);
        }
        files.push(file);
    }
    files
}

/// Reads a broken file in every way there is.
fn tried(path: &Path) -> Result<usize, DataError> {
    let options = ReadOptions::default();
    let first = names(path, &options);
    let table = read(path, &options);
    if let Ok(names) = &first {
        let wanted = &names[names.len() - 1..];
        let options = ReadOptions { columns: Some(wanted), ..ReadOptions::default() };
        drop(read(path, &options));
    }
    let table = table?;
    assert!(table.columns().iter().all(|c| c.len() == table.rows()));
    let values = vec![1.5; table.rows()];
    let column = NewColumn {
        name: "w0".into(),
        label: "W".into(),
        values: values.as_slice().into(),
        weight: true,
    };
    let copy = path.with_file_name(format!("copy-{}", path.file_name().unwrap().to_string_lossy()));
    if let Ok(staged) = stage_appended(path, &options, &copy, &[column]) {
        // What can be copied can be read again.
        staged.commit().unwrap();
        let again = read(&copy, &options).unwrap_or_else(|e| panic!("the copy: {e}"));
        assert_eq!(again.rows(), table.rows());
    }
    Ok(table.rows())
}

fn corpus(name: &str) {
    corpus_of(name, &fs::read(fixture(name)).unwrap(), 20);
}

/// Reads broken versions of a file; at least so many of them must be refused.
fn corpus_of(name: &str, whole: &[u8], fewest: usize) {
    watch_panics();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let (mut errors, mut reads) = (0, 0);
    // `RAKEWELL_ROUNDS=50` breaks every file in 10,000 ways.
    let rounds = std::env::var("RAKEWELL_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    let files = (0..rounds).flat_map(|round| broken(whole, round));
    for (i, content) in files.enumerate() {
        fs::write(&path, &content).unwrap();
        let clock = Instant::now();
        match std::panic::catch_unwind(|| tried(&path)) {
            Ok(Ok(_)) => reads += 1,
            Ok(Err(error)) => {
                errors += 1;
                let text = error.to_string();
                assert!(text.contains(name), "{name} {i}: {text}");
            }
            Err(_) => {
                let keep = std::env::temp_dir().join(format!("broken-{i}-{name}"));
                fs::write(&keep, &content).unwrap();
                panic!("{name}: broken file {i} ends in a panic; it is kept as {}", keep.display());
            }
        }
        assert!(clock.elapsed() < Duration::from_secs(5), "{name} {i}: {:?}", clock.elapsed());
    }
    assert!(errors + reads >= 200);
    // Cut files cannot all be read; files with one byte changed in a value are.
    assert!(errors >= fewest, "{name}: {errors} errors, {reads} reads");
    let seen = SEEN.lock().unwrap_or_else(|e| e.into_inner());
    assert!(seen.is_empty(), "{seen:?}");
    drop(seen);
    if let Some(peak) = peak_memory() {
        assert!(peak < 1 << 30, "{name}: {} MB", peak >> 20);
    }
}

/// The most memory that this process has had, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kb| kb << 10)
}

#[test]
fn spss() {
    for name in ["haven_byte.sav", "haven_none.sav", "haven.zsav", "by_hand_1252_big.sav"] {
        corpus(name);
    }
}

#[test]
fn spss_portable() {
    for name in ["by_hand.por", "by_hand_translated.por"] {
        corpus(name);
    }
}

#[test]
fn stata() {
    for name in ["haven_v8.dta", "haven_v13.dta", "haven_v15.dta", "pandas_v118_big.dta"] {
        corpus(name);
    }
}

#[test]
fn sas() {
    for name in ["haven.sas7bdat", "haven_v5.xpt", "haven_v8.xpt"] {
        corpus(name);
    }
}

/// A broken catalogue gives an error or other labels, and never other values.
#[test]
fn catalogues_of_sas() {
    watch_panics();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.sas7bcat");
    let data = fixture("haven_formats.sas7bdat");
    let plain = read(&data, &ReadOptions::default()).unwrap();
    let whole = fs::read(fixture("by_hand.sas7bcat")).unwrap();
    let rounds = std::env::var("RAKEWELL_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    let (mut errors, mut files) = (0, 0);
    for content in (0..rounds).flat_map(|round| broken(&whole, round)) {
        fs::write(&path, &content).unwrap();
        let clock = Instant::now();
        let options = ReadOptions { catalogue: Some(path.clone()), ..ReadOptions::default() };
        match read(&data, &options) {
            Ok(table) => {
                let values = |t: &rakewell::data::Table| t.columns()[3].as_numbers().cloned();
                assert_eq!(values(&table), values(&plain));
            }
            Err(error) => {
                errors += 1;
                assert!(error.to_string().contains("broken.sas7bcat"), "{error}");
            }
        }
        assert!(clock.elapsed() < Duration::from_secs(5), "{:?}", clock.elapsed());
        files += 1;
    }
    assert!(files >= 200 && errors >= 40, "{errors} of {files}");
    let seen = SEEN.lock().unwrap_or_else(|e| e.into_inner());
    assert!(seen.is_empty(), "{seen:?}");
}

#[test]
fn sheets() {
    for name in ["sheets.xlsx", "sheets.ods"] {
        corpus(name);
    }
}

/// The columns of a file of another kind, as text.
fn as_text(name: &str, ending: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let table = read(&fixture(name), &ReadOptions::default()).unwrap();
    let columns: Vec<&Column> = table.columns().iter().collect();
    let path = folder.path().join(format!("a.{ending}"));
    if ending == "parquet" { write_parquet(&path, &columns) } else { write_csv(&path, &columns) }
        .unwrap();
    fs::read(path).unwrap()
}

#[test]
fn parquet() {
    corpus_of("a.parquet", &as_text("haven_byte.sav", "parquet"), 20);
}

/// Text is hard to break: a row with a field too few, letters that are none, a lost quotation mark.
#[test]
fn text() {
    let text = as_text("haven_byte.sav", "csv");
    corpus_of("a.csv", &text, 20);
    let tabs: Vec<u8> = text.iter().map(|&b| if b == b',' { b'\t' } else { b }).collect();
    corpus_of("a.tsv", &tabs, 10);
    let wide = String::from_utf8(text).unwrap();
    for big in [false, true] {
        let units = std::iter::once(0xFEFF).chain(wide.encode_utf16());
        let bytes = |u: u16| if big { u.to_be_bytes() } else { u.to_le_bytes() };
        corpus_of("wide.csv", &units.flat_map(bytes).collect::<Vec<u8>>(), 20);
    }
}

/// The content of an `.ods` whose only sheet has the given rows.
fn ods(rows: &str) -> Vec<u8> {
    let content = format!(
        "<office:document-content xmlns:office=\"o\" xmlns:table=\"t\" xmlns:text=\"x\"><office:body>\
         <office:spreadsheet><table:table table:name=\"S\">{rows}</table:table></office:spreadsheet>\
         </office:body></office:document-content>"
    );
    stored(&[("content.xml", content.as_bytes())])
}

/// A zip archive of parts that are packed.
fn stored(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut out, mut index) = (Vec::new(), Vec::new());
    for (name, content) in parts {
        let mut encoder =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(content).unwrap();
        let packed = encoder.finish().unwrap();
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let start = out.len() as u32;
        let mut head = Vec::new();
        head.extend(20_u16.to_le_bytes());
        head.extend([0, 0, 8, 0, 0, 0, 0, 0]);
        head.extend(crc.sum().to_le_bytes());
        head.extend((packed.len() as u32).to_le_bytes());
        head.extend((content.len() as u32).to_le_bytes());
        head.extend((name.len() as u16).to_le_bytes());
        head.extend([0, 0]);
        out.extend(b"PK\x03\x04");
        out.extend(&head);
        out.extend(name.as_bytes());
        out.extend(&packed);
        index.extend(b"PK\x01\x02\x14\x00");
        index.extend(&head);
        index.extend([0; 10]);
        index.extend(start.to_le_bytes());
        index.extend(name.as_bytes());
    }
    let (at, count) = (out.len() as u32, parts.len() as u16);
    out.extend(&index);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend((index.len() as u32).to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend([0, 0]);
    out
}

fn fault_of(name: &str, content: &[u8]) -> Fault {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    let clock = Instant::now();
    let error = read(&path, &ReadOptions::default()).map(drop).unwrap_err();
    assert!(clock.elapsed() < Duration::from_secs(20), "{name}: {:?}", clock.elapsed());
    assert!(error.help().is_some(), "{error}");
    match error {
        DataError::File { fault, .. } => fault,
        other => panic!("{name}: {other}"),
    }
}

#[test]
fn bombs_are_refused() {
    // Half a gigabyte of zeros in half a megabyte.
    let zeros = vec![0; (512 << 20) + 1];
    let bomb = stored(&[("content.xml", &zeros)]);
    drop(zeros);
    assert!(bomb.len() < 1 << 20);
    assert!(matches!(fault_of("bomb.ods", &bomb), Fault::Expands { .. }));
    assert!(matches!(fault_of("bomb.xlsx", &bomb), Fault::Expands { .. }));

    // A cell that is repeated a billion times.
    let cell = |repeats: &str| {
        format!("<table:table-cell {repeats} office:value-type=\"float\" office:value=\"1\"/>")
    };
    let header = "<table:table-row><table:table-cell office:value-type=\"string\"><text:p>a</text:p></table:table-cell></table:table-row>";
    let row = format!(
        "{header}<table:table-row table:number-rows-repeated=\"1000000000\">{}</table:table-row>",
        cell("")
    );
    assert!(matches!(fault_of("rows.ods", &ods(&row)), Fault::TooMuch { .. }));
    let row = format!(
        "{header}<table:table-row>{}</table:table-row>",
        cell("table:number-columns-repeated=\"4000000000\"")
    );
    assert!(matches!(fault_of("cells.ods", &ods(&row)), Fault::TooMuch { .. }));
    // Empty rows and cells are as many as they like.
    let row = format!(
        "{header}<table:table-row table:number-rows-repeated=\"4000000000\"><table:table-cell \
         table:number-columns-repeated=\"16384\"/></table:table-row><table:table-row>{}</table:table-row>",
        cell("")
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty.ods");
    fs::write(&path, ods(&row)).unwrap();
    assert_eq!(read(&path, &ReadOptions::default()).unwrap().rows(), 1);

    // A .zsav whose blocks promise more than they can hold.
    let mut whole = fs::read(fixture("haven.zsav")).unwrap();
    let trailer = whole.len() - 8;
    whole[trailer..trailer + 4].copy_from_slice(&0xffff_fff0_u32.to_le_bytes());
    assert!(matches!(fault_of("bomb.zsav", &whole), Fault::Expands { .. } | Fault::Damaged { .. }));
}

#[test]
fn counts_beyond_the_file_are_refused_before_memory_is_asked_for() {
    // Rows of an SPSS file without packing, of Stata files of two kinds.
    let mut spss = fs::read(fixture("haven_none.sav")).unwrap();
    let record: Vec<u8> = [7_i32, 16, 8, 2, 1, 0].iter().flat_map(|x| x.to_le_bytes()).collect();
    let at = spss.windows(24).position(|w| w == record).unwrap() + 24;
    spss[at..at + 8].copy_from_slice(&(i64::MAX / 2).to_le_bytes());
    assert!(matches!(fault_of("rows.sav", &spss), Fault::EndsEarly { rows: Some((20, _)), .. }));
    let mut stata = fs::read(fixture("haven_v8.dta")).unwrap();
    stata[6..10].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(matches!(
        fault_of("rows.dta", &stata),
        Fault::EndsEarly { rows: Some((_, 4_294_967_295)), .. }
    ));
    let mut stata = fs::read(fixture("haven_v14.dta")).unwrap();
    let at = stata.windows(3).position(|w| w == b"<N>").unwrap() + 3;
    stata[at..at + 8].copy_from_slice(&(u64::MAX / 2).to_le_bytes());
    assert!(matches!(fault_of("rows.dta", &stata), Fault::EndsEarly { rows: Some(_), .. }));
}

#[test]
fn a_transport_file_that_is_cut_says_so() {
    let whole = fs::read(fixture("haven_v5.xpt")).unwrap();
    assert_eq!(whole.len() % 80, 0);
    for cut in [1, 40, 79] {
        let fault = fault_of("cut.xpt", &whole[..whole.len() - cut]);
        assert!(matches!(fault, Fault::EndsEarly { .. }), "{cut}: {fault:?}");
    }
}

/// A workbook whose only sheet has the given rows.
fn xlsx(rows: &str) -> Vec<u8> {
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = "http://schemas.openxmlformats.org/package/2006/relationships";
    let book = format!(
        "<workbook xmlns=\"{main}\" xmlns:r=\"{office}\"><sheets>\
         <sheet name=\"S\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
    );
    let relation = |id: &str, kind: &str, target: &str| {
        format!(
            "<Relationships xmlns=\"{package}\"><Relationship Id=\"{id}\" \
             Type=\"{office}/{kind}\" Target=\"{target}\"/></Relationships>"
        )
    };
    let sheet = format!("<worksheet xmlns=\"{main}\"><sheetData>{rows}</sheetData></worksheet>");
    stored(&[
        ("_rels/.rels", relation("r0", "officeDocument", "xl/workbook.xml").as_bytes()),
        ("xl/workbook.xml", book.as_bytes()),
        (
            "xl/_rels/workbook.xml.rels",
            relation("r1", "worksheet", "worksheets/sheet1.xml").as_bytes(),
        ),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ])
}

#[test]
fn formulas_without_their_values_are_not_empty_cells() {
    let text =
        |at: &str, text: &str| format!("<c r=\"{at}\" t=\"inlineStr\"><is><t>{text}</t></is></c>");
    let row = |n: u32, cells: &str| format!("<row r=\"{n}\">{cells}</row>");
    let with = |last: &str| {
        xlsx(&format!(
            "{}{}{}",
            row(1, &(text("A1", "a") + &text("B1", "b"))),
            row(2, "<c r=\"A2\"><v>1</v></c><c r=\"B2\"><v>2</v></c>"),
            row(3, &format!("<c r=\"A3\"><v>3</v></c>{last}")),
        ))
    };
    let found = fault_of("f.xlsx", &with("<c r=\"B3\"><f>A3*2</f></c>"));
    assert_eq!(found, Fault::NotReckoned { sheet: "S".into(), cell: "B3".into() });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("g.xlsx");
    for (last, expected) in [("<c r=\"B3\"><f>A3*2</f><v>6</v></c>", 6.0), ("", f64::NAN)] {
        fs::write(&path, with(last)).unwrap();
        let table = read(&path, &ReadOptions::default()).unwrap();
        let value = table.column("b").unwrap().as_numbers().unwrap().get(1);
        assert!(value == expected || (value.is_nan() && expected.is_nan()), "{value}");
    }
    // In a column that is not wanted it is in nobody's way.
    fs::write(&path, with("<c r=\"B3\"><f>A3*2</f></c>")).unwrap();
    let wanted = ["a".to_string()];
    let options = ReadOptions { columns: Some(&wanted), ..ReadOptions::default() };
    assert_eq!(read(&path, &options).unwrap().rows(), 2);
}

//! Every fault a data file can have gives its own error, with the way out, and no panic.

use std::fs;
use std::path::{Path, PathBuf};

use rakewell::data::Column;
use rakewell::data::io::{
    DataError, Fault, Format, Note, ReadOptions, Reading, names, read, read_with_notes,
    write_parquet,
};

/// A folder with one file.
struct Case {
    folder: tempfile::TempDir,
    path: PathBuf,
}

fn case(name: &str, content: impl AsRef<[u8]>) -> Case {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    Case { folder, path }
}

fn error(path: &Path) -> DataError {
    match read(path, &ReadOptions::default()) {
        Ok(table) => panic!("{} was read: {table:?}", path.display()),
        Err(error) => error,
    }
}

/// A Parquet file of 3 rows.
fn parquet(folder: &Path) -> PathBuf {
    let path = folder.join("good.parquet");
    let n = Column::numbers("n", vec![1.0, f64::NAN, 3.0]);
    let t = Column::text("t", &[Some("a"), Some("b"), None]);
    write_parquet(&path, &[&n, &t]).unwrap();
    path
}

macro_rules! faults {
    ($($name:ident: $file:expr, $content:expr => $pattern:pat $(if $guard:expr)?,)*) => {$(
        #[test]
        fn $name() {
            let case = case($file, $content);
            let error = error(&case.path);
            assert!(matches!(&error, $pattern $(if $guard)?), "{error:?}");
            assert!(error.to_string().contains($file), "{error}");
        }
    )*};
}

faults! {
    empty_csv: "a.csv", "" => DataError::Empty { .. },
    only_blank_lines: "a.csv", "\n\n \n" => DataError::Empty { .. },
    only_a_byte_order_mark: "a.csv", "\u{feff}" => DataError::Empty { .. },
    header_without_rows: "a.csv", "a,b\n" => DataError::NoRows { .. },
    header_without_line_end: "a.csv", "a,b" => DataError::NoRows { .. },
    row_too_short: "a.csv", "a,b,c\n1,2,3\n\n4,5\n" =>
        DataError::Ragged { line: 4, row: 2, found: 2, expected: 3, several_lines: false, .. },
    row_too_long_with_crlf: "a.csv", "a,b\r\n1,2\r\n3,4\r\n5,6,7\r\n" =>
        DataError::Ragged { line: 4, row: 3, found: 3, expected: 2, .. },
    row_over_several_lines: "a.csv", "a,b\n1,2\n\"x\ny\nz\n" =>
        DataError::Ragged { line: 3, row: 2, several_lines: true, .. },
    quote_never_closed: "a.csv", "a,b\n1,2\n3,\"x\n4,5\n6,7\n" =>
        DataError::UnclosedQuote { line: 3, .. },
    quote_never_closed_in_header: "a.csv", "a,\"b\n1,2\n3,4\n" =>
        DataError::UnclosedQuote { line: 1, .. },
    repeated_names: "a.csv", "a,b,a,c,c,a\n1,2,3,4,5,6\n" =>
        DataError::DuplicateNames { names, .. } if *names == ["a", "c"],
    names_equal_but_for_spaces: "a.csv", "a, a\n1,2\n" => DataError::DuplicateNames { .. },
    empty_names: "a.csv", ",a, ,b\n1,2,3,4\n" =>
        DataError::EmptyNames { positions, .. } if *positions == [1, 3],
    commas_in_a_tab_file: "a.tab", "x,y,z\n1,2,3\n" =>
        DataError::WrongDelimiter { used: '\t', likely: ',', .. },
    semicolons_in_a_tsv_file: "a.tsv", "x;y\n1;2\n" =>
        DataError::WrongDelimiter { used: '\t', likely: ';', .. },
    nul_in_the_middle: "a.csv", "a,b\n1,2\n3,\0\n" =>
        DataError::Nul { offset: 10, line: 3, .. },
    nul_in_the_header: "a.csv", "a,\0b\n1,2\n" => DataError::Nul { offset: 2, line: 1, .. },
    utf_16: "a.csv", b"\xFF\xFEa\0,\0b\0\n" => DataError::Utf16 { .. },
    neither_utf8_nor_windows_1252: "a.csv", b"a,b\n1,\x81\x8D\n" =>
        DataError::NotText { offset: 6, line: 2, byte: 0x81, .. },
    control_characters: "a.csv", b"a,b\n1,\xE9\x02\n" => DataError::NotText { byte: 2, .. },
    damaged_utf8: "a.csv", b"caf\xC3\xA9,\xC3\xBC\n\xC3\xB6,\xC3\n" =>
        DataError::InvalidUtf8 { offset: 12, line: 2, .. },
    utf8_mark_but_not_utf8: "a.csv", b"\xEF\xBB\xBFa,b\n1,\xE9\n" => DataError::InvalidUtf8 { .. },
    parquet_named_csv: "a.csv", b"PAR1\x15\x04" =>
        DataError::OtherContent { found: "a Parquet file", .. },
    workbook_named_csv: "a.csv", b"PK\x03\x04\x14\0" => DataError::OtherContent { .. },
    web_page_named_csv: "a.csv", "\n<!DOCTYPE html>\n<html>" =>
        DataError::OtherContent { found: "a web page", .. },
    csv_named_parquet: "a.parquet", "a,b\n1,2\n" => DataError::OtherContent { found: "text", .. },
    noise_named_parquet: "a.parquet", b"\x01\x02\x03\x04\xFF\xFE" => DataError::OtherContent { .. },
    empty_parquet: "a.parquet", "" => DataError::Empty { .. },
    parquet_of_four_bytes: "a.parquet", "PAR1" => DataError::TruncatedParquet { .. },
    parquet_without_content: "a.parquet", b"PAR1\0\0\0\0PAR1" => DataError::Parquet { .. },
    parquet_with_absurd_footer: "a.parquet", b"PAR1\xFF\xFF\xFF\x7FPAR1" =>
        DataError::Parquet { .. },
    spss: "a.sav", "$FL2" => DataError::File { fault: Fault::EndsEarly { .. }, .. },
    spss_text: "a.sav", "a,b\n1,2\n" => DataError::OtherContent { expected: "an SPSS file", .. },
    portable_cut_in_its_heading: "a.por", "ASCII SPSS PORT FILE" =>
        DataError::OtherContent { expected: "an SPSS portable file", .. },
    stata_text: "a.dta", "a,b\n1,2\n" => DataError::OtherContent { expected: "a Stata file", .. },
    sas_text: "a.sas7bdat", "a" => DataError::OtherContent { expected: "a SAS data set", .. },
    transport_text: "a.xpt", "a" => DataError::OtherContent { .. },
    workbook: "a.xlsx", "PK" => DataError::OtherContent { expected: "a workbook", .. },
    old_workbook: "a.xls", b"\xD0\xCF\x11\xE0" => DataError::Unreadable { .. },
    compressed: "a.csv.gz", b"\x1F\x8B" => DataError::Unreadable { .. },
    unknown_ending: "a.xyz", "a,b\n1,2\n" => DataError::UnknownFormat { .. },
}

#[test]
fn missing_file_names_the_nearest() {
    let case = case("responses.csv", "a\n1\n");
    let found = error(&case.folder.path().join("response.csv"));
    assert!(matches!(&found, DataError::NotFound { nearest: Some(n), .. } if n == "responses.csv"));
    assert_eq!(found.help().unwrap(), "did you mean `responses.csv`?");
    let found = error(&case.folder.path().join("responses.parquet"));
    assert!(matches!(&found, DataError::NotFound { nearest: Some(n), .. } if n == "responses.csv"));
    let found = error(&case.folder.path().join("no/such/folder/a.csv"));
    let DataError::NoFolder { exists: Some(exists), .. } = &found else { panic!("{found:?}") };
    assert_eq!(exists, case.folder.path());
}

#[test]
fn folder_in_place_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["data", "data.csv", "data.parquet"] {
        let path = folder.path().join(name);
        fs::create_dir(&path).unwrap();
        for format in [None, Some(Format::Csv), Some(Format::Tsv), Some(Format::Parquet)] {
            let options = ReadOptions { format, ..ReadOptions::default() };
            assert!(matches!(read(&path, &options), Err(DataError::Directory { .. })), "{name}");
            assert!(matches!(names(&path, &options), Err(DataError::Directory { .. })), "{name}");
        }
    }
}

#[cfg(unix)]
#[test]
fn no_permission() {
    use std::os::unix::fs::PermissionsExt;
    let case = case("a.csv", "a\n1\n");
    fs::set_permissions(&case.path, fs::Permissions::from_mode(0o000)).unwrap();
    // The superuser may read everything; then there is nothing to refuse.
    match read(&case.path, &ReadOptions::default()) {
        Err(found) => assert!(matches!(found, DataError::Permission { .. }), "{found:?}"),
        Ok(_) => assert!(fs::File::open(&case.path).is_ok()),
    }
}

#[test]
fn all_unknown_columns_at_once() {
    let text = case("a.csv", "ethnicity,sex,age\n1,2,3\n");
    for path in [text.path.clone(), parquet(text.folder.path())] {
        let wanted = ["ethnicty", "sex", "qqqqqqqq", "ethnicty", "nn"].map(String::from);
        let options = ReadOptions { columns: Some(&wanted), ..ReadOptions::default() };
        let Err(DataError::UnknownColumns { columns, .. }) = read(&path, &options) else {
            panic!()
        };
        let found: Vec<_> = columns.iter().map(|c| c.name.as_str()).collect();
        if path.extension().is_some_and(|e| e == "csv") {
            assert_eq!(found, ["ethnicty", "qqqqqqqq", "nn"]);
            assert_eq!(columns[0].nearest.as_deref(), Some("ethnicity"));
            assert_eq!(columns[1].nearest, None);
        } else {
            assert_eq!(found, ["ethnicty", "sex", "qqqqqqqq", "nn"]);
            assert_eq!(columns[3].nearest.as_deref(), Some("n"));
        }
    }
}

#[test]
fn delimiters_that_cannot_be() {
    let case = case("a.csv", "a,b\n1,2\n");
    for c in ['"', '\n', 'é', 'x', '\0'] {
        let options = ReadOptions { delimiter: Some(c), ..ReadOptions::default() };
        assert!(matches!(read(&case.path, &options), Err(DataError::Delimiter(d)) if d == c));
    }
    let options = ReadOptions { delimiter: Some(';'), ..ReadOptions::default() };
    let found = names(&case.path, &options).unwrap_err();
    assert!(matches!(found, DataError::WrongDelimiter { used: ';', likely: ',', .. }), "{found:?}");
    assert!(found.help().unwrap().contains("delimiter = ','"));
}

#[test]
fn names_agree_with_what_is_read() {
    for content in [&b"a;b\n1;2\n"[..], b"\"x y\"|z\n1|2\n", b"caf\xE9,b\n1,2\n", b"one\n1\n2\n"] {
        let case = case("a.txt", content);
        let options = ReadOptions::default();
        let table = read(&case.path, &options).unwrap();
        let found = names(&case.path, &options).unwrap();
        assert_eq!(table.names().collect::<Vec<_>>(), found);
    }
}

#[test]
fn an_unclosed_quote_is_not_confused_with_inches() {
    // An odd number of quotation marks, none of which opens a field.
    let case = case("a.csv", "name,height\nA,5'10\"\nB,\"6'\"\"\"\n\"C\nD\",4\n\n\n");
    let table = read(&case.path, &ReadOptions::default()).unwrap();
    assert_eq!(table.rows(), 3);
    assert_eq!(table.column("height").unwrap().as_factor().levels.len(), 3);
}

#[test]
fn lines_in_notes_are_lines_of_the_file() {
    let case = case("a.csv", "x,y\r\n1,\"a\r\nb\"\r\n\r\n2,c\r\nlots,d\r\n");
    let Reading { notes, .. } = read_with_notes(&case.path, &ReadOptions::default()).unwrap();
    assert!(matches!(&notes[..], [Note::NotNumbers { line: 6, .. }]), "{notes:?}");
}

#[test]
fn a_cut_parquet_file_is_never_read() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(parquet(folder.path())).unwrap();
    let path = folder.path().join("cut.parquet");
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(read(&path, &ReadOptions::default()).is_err(), "{length} bytes");
        assert!(names(&path, &ReadOptions::default()).is_err(), "{length} bytes");
    }
}

#[test]
fn a_damaged_parquet_file_does_not_panic() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(parquet(folder.path())).unwrap();
    let path = folder.path().join("damaged.parquet");
    for at in 0..whole.len() {
        for change in [0x01, 0xFF] {
            let mut bytes = whole.clone();
            bytes[at] ^= change;
            fs::write(&path, &bytes).unwrap();
            // Damage within a value is read as another value: the format has no checksum here.
            let _ = read(&path, &ReadOptions::default());
        }
    }
}

//! Lines of delimited text with more fields at their ends, all other bytes as they were.

use std::io::{BufRead, BufReader, Write};

use crate::data::number::written;

use super::append::{NewColumn, Stopped, rows_match};
use super::input::{BOM, Input, Scan};

/// Where a byte stands in its record.
#[derive(Debug, Clone, Copy, PartialEq)]
enum At {
    /// At the start of a line; nothing of a record has been seen.
    Start,
    FieldStart,
    Field,
    Quoted,
    /// A quotation mark within a quoted field: its end, or the first of two.
    Mark,
}

/// Copies a file, with a field for each column at the end of every record: the name on the
/// first, then the values.
pub(super) fn copy(
    input: &Input,
    delimiter: u8,
    scan: &Scan,
    columns: &[NewColumn<'_>],
    out: &mut impl Write,
) -> Result<(), Stopped> {
    let mut reader = BufReader::with_capacity(1 << 17, input.reader()?);
    let mut at = At::Start;
    let mut records = 0;
    if input.head(BOM.len() as u64)? == BOM {
        out.write_all(BOM)?;
        reader.consume_exactly(BOM.len()).map_err(|e| input.failed(e))?;
    }
    let mut fields = Fields { delimiter, scan, columns };
    loop {
        let bytes = reader.fill_buf().map_err(|e| input.failed(e))?;
        if bytes.is_empty() {
            break;
        }
        let mut done = 0;
        for (i, &byte) in bytes.iter().enumerate() {
            let ends = matches!(byte, b'\n' | b'\r');
            at = match at {
                At::Start if ends => At::Start,
                At::Start | At::FieldStart | At::Mark if byte == b'"' => At::Quoted,
                At::Quoted if byte == b'"' => At::Mark,
                At::Quoted => At::Quoted,
                _ if ends => {
                    out.write_all(&bytes[done..i])?;
                    done = i;
                    fields.write(out, records)?;
                    records += 1;
                    At::Start
                }
                _ if byte == delimiter => At::FieldStart,
                _ => At::Field,
            };
        }
        out.write_all(&bytes[done..])?;
        let length = bytes.len();
        reader.consume(length);
    }
    if at != At::Start {
        fields.write(out, records)?;
        records += 1;
    }
    Ok(rows_match(&input.path, records.saturating_sub(1), columns)?)
}

/// The fields that come at the end of a record.
struct Fields<'a> {
    delimiter: u8,
    scan: &'a Scan,
    columns: &'a [NewColumn<'a>],
}

impl Fields<'_> {
    fn write(&mut self, out: &mut impl Write, record: usize) -> Result<(), Stopped> {
        for column in self.columns {
            out.write_all(&[self.delimiter])?;
            if record == 0 {
                let quoted = format!("\"{}\"", column.name.replace('"', "\"\""));
                let plain = column.name.chars().all(|c| c.is_alphanumeric() || c == '_');
                let name = if plain { &column.name } else { &quoted };
                let bytes = self.scan.encoding.encode(name);
                out.write_all(&bytes.unwrap_or_else(|| name.as_bytes().to_vec()))?;
                continue;
            }
            // A row too many is found by its number, when all are counted.
            let x = column.values.get(record - 1).unwrap_or(f64::NAN);
            if !x.is_nan() {
                out.write_all(written(x).as_bytes())?;
            }
        }
        Ok(())
    }
}

trait Consume {
    fn consume_exactly(&mut self, count: usize) -> std::io::Result<()>;
}

impl<R: BufRead> Consume for R {
    fn consume_exactly(&mut self, count: usize) -> std::io::Result<()> {
        let mut bytes = vec![0; count];
        self.read_exact(&mut bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{NewColumn, ReadOptions, read, stage_appended};

    #[test]
    fn all_other_bytes_stay() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a.csv"), folder.path().join("b.csv"));
        let column = NewColumn {
            name: "w".into(),
            label: String::new(),
            values: (&[1.5, 2.0]).into(),
            weight: true,
        };
        let copied = |content: &[u8]| {
            std::fs::write(&from, content).unwrap();
            let columns = std::slice::from_ref(&column);
            let staged = stage_appended(&from, &ReadOptions::default(), &to, columns);
            staged.map(|s| s.commit().unwrap())?;
            read(&to, &ReadOptions::default())?;
            Ok::<_, super::super::DataError>(std::fs::read(&to).unwrap())
        };
        for (before, after) in [
            (&b"a,b\n1,2\n3,4\n"[..], &b"a,b,w\n1,2,1.5\n3,4,2\n"[..]),
            (
                b"\xEF\xBB\xBFa;b\r\n1;\"x\r\ny\"\r\n\r\n3;\"\"\"\"",
                b"\xEF\xBB\xBFa;b;w\r\n1;\"x\r\ny\";1.5\r\n\r\n3;\"\"\"\";2",
            ),
            (b"nom,x\ncaf\xE9,1\n,\n", b"nom,x,w\ncaf\xE9,1,1.5\n,,2\n"),
            (b"a\n\"\"\n1\n", b"a,w\n\"\",1.5\n1,2\n"),
        ] {
            let found = copied(before).unwrap();
            assert_eq!(found.escape_ascii().to_string(), after.escape_ascii().to_string());
        }
        let error = copied(b"w,b\n1,2\n3,4\n").unwrap_err();
        assert!(error.to_string().contains("has a column `w` already"), "{error}");
        let error = copied(b"a,b\n1,2\n3,4\n5,6\n").unwrap_err();
        assert!(error.to_string().contains("changed"), "{error}");
    }
}

//! What produced a set of results: hashes, and the manifest as JSON.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::document::{FileHash, Manifest};
use super::error::ReportError;

/// The manifest as JSON, with a line end.
///
/// # Errors
/// [`ReportError::Json`], which would be a mistake in rakewell.
pub fn manifest_json(manifest: &Manifest) -> Result<Vec<u8>, ReportError> {
    let mut bytes = serde_json::to_vec_pretty(manifest)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// SHA-256 of some bytes (FIPS 180-4), in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The hash and size of a file, read in blocks; `shown` is the path to record.
///
/// # Errors
/// When the file cannot be opened or read.
pub fn hash_file(path: &Path, shown: impl Into<String>) -> io::Result<FileHash> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut block = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        let n = match file.read(&mut block) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        hasher.update(&block[..n]);
        bytes += n as u64;
    }
    Ok(FileHash { path: shown.into(), sha256: hex(&hasher.finalize()), bytes })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_fips_180() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256_hex(b""), empty);
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_hex(b"abc"), abc);
    }

    #[test]
    fn a_file_hashes_like_its_bytes() {
        let bytes: Vec<u8> = (0..200_000u32).map(|i| (i % 251) as u8).collect();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &bytes).unwrap();
        let hash = hash_file(file.path(), "data.csv").unwrap();
        assert_eq!(hash.sha256, sha256_hex(&bytes));
        assert_eq!((hash.path.as_str(), hash.bytes), ("data.csv", 200_000));
        assert!(hash_file(Path::new("/no/such/file"), "x").is_err());
    }
}

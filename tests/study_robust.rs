//! No text whatever makes the study reader panic: it gives a study or says what is wrong.

use proptest::prelude::*;
use rakewell::study::from_text;

const STARTER: &str = include_str!("../src/cli/starter.toml");

/// Reads bytes as the program does, and looks at every place that comes back.
fn read(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    match from_text("study.toml", &text) {
        Ok(loaded) => {
            assert!(!loaded.warnings.has_errors());
            true
        }
        Err(found) => {
            assert!(found.has_errors());
            for diagnostic in &found.0 {
                assert!(!diagnostic.message.is_empty());
                if let Some(place) = &diagnostic.place {
                    assert!(place.span.start <= place.span.end, "{diagnostic}");
                    assert!(place.source.text.get(place.span.clone()).is_some(), "{diagnostic}");
                    let (line, column) = place.line_column();
                    assert!(line >= 1 && column >= 1);
                }
            }
            false
        }
    }
}

#[test]
fn every_truncation() {
    let bytes = STARTER.as_bytes();
    assert!(read(bytes));
    let read_well = (0..bytes.len()).filter(|&end| read(&bytes[..end])).count();
    // Some cuts leave a study that is whole as far as it goes, most do not.
    assert!(read_well > 0 && read_well < bytes.len());
}

/// A stream of numbers that depends on nothing but its seed (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }
}

#[test]
fn flipped_bytes() {
    let mut numbers = Numbers(7);
    let mut broken = 0;
    for round in 0..2500 {
        let mut bytes = STARTER.as_bytes().to_vec();
        for _ in 0..=round % 5 {
            let at = numbers.below(bytes.len());
            bytes[at] = match numbers.below(3) {
                0 => b"[]{}\"'=,.#\n\\ -"[numbers.below(14)],
                1 => bytes[at] ^ (1 << numbers.below(8)),
                _ => numbers.below(256) as u8,
            };
        }
        broken += usize::from(!read(&bytes));
    }
    assert!(broken > 100, "{broken}");
}

#[test]
fn shuffled_lines() {
    let lines: Vec<&str> = STARTER.lines().collect();
    let mut numbers = Numbers(11);
    for _ in 0..500 {
        let count = 1 + numbers.below(30);
        let text: Vec<&str> = (0..count).map(|_| lines[numbers.below(lines.len())]).collect();
        read(text.join("\n").as_bytes());
    }
}

#[test]
fn deep_and_long() {
    for deep in [10, 79, 80, 81, 1_000, 100_000] {
        read(format!("x = {}", "[".repeat(deep)).as_bytes());
        read(format!("x = {}1{}", "[".repeat(deep), "]".repeat(deep)).as_bytes());
        read(format!("x = {}", "{a=".repeat(deep)).as_bytes());
        read(format!("{}a = 1", "a.".repeat(deep)).as_bytes());
        read(format!("[{}a]", "a.".repeat(deep)).as_bytes());
        read(format!("[[{}a]]", "a.".repeat(deep)).as_bytes());
    }
    read("a = 1\n".repeat(100_000).as_bytes());
    read(format!("title = \"{}\"", "x".repeat(1 << 20)).as_bytes());
    read("[[estimate]]\nmaen = 3\n".repeat(2_000).as_bytes());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in "\\PC{0,80}") {
        read(text.as_bytes());
    }

    #[test]
    fn toml_like(parts in prop::collection::vec("(\\[\\[?(estimate|design|data)\\]?\\]?|[a-z-]{1,9}|=|\"|'''|\\{|\\}|\\[|\\]|[0-9.e_+-]{1,6}|true|nan|inf|,|\n| )", 0..60)) {
        read(parts.concat().as_bytes());
    }
}

/// Settings of the starter, whole and damaged.
const SETTINGS: [&str; 8] = [
    "defaults.confidence=0.9",
    "estimate.lonely.by=[\"region\", \"sex\"]",
    "weighting.1.margin.2.by=sex",
    "data.join=[{ file = \"h.csv\", on = { a = \"b\" } }]",
    "derive.migration.cases.1.when=age > 3",
    "variables.'a b'.values={ 1 = \"x\" }",
    "report={ folder = \"x\" }",
    "title=3",
];

#[test]
fn damaged_settings() {
    let mut numbers = Numbers(13);
    let mut broken = 0;
    for round in 0..4000 {
        let mut bytes = SETTINGS[round % SETTINGS.len()].as_bytes().to_vec();
        for _ in 0..round % 4 {
            let at = numbers.below(bytes.len());
            match numbers.below(3) {
                0 => bytes[at] = b"[]{}\"'=,.#\n\\ -09"[numbers.below(16)],
                1 => bytes.truncate(at + 1),
                _ => bytes.insert(at, b".=[{\"1"[numbers.below(6)]),
            }
        }
        let setting = String::from_utf8_lossy(&bytes).into_owned();
        let settings = std::slice::from_ref(&setting);
        if let Err(found) = rakewell::study::from_text_with("s.toml", STARTER, settings) {
            assert!(found.has_errors(), "{setting}");
            for place in found.0.iter().filter_map(|d| d.place.as_ref()) {
                assert!(place.source.text.get(place.span.clone()).is_some(), "{setting}");
            }
            broken += 1;
        }
    }
    assert!(broken > 500 && broken < 4000, "{broken}");
}

//! What a mistake in rakewell itself looks like: a request to report it, not a wall of text.

use std::panic::PanicHookInfo;

/// Shows panics as a request to report them; the process then ends with exit code 101. Panics
/// that the library catches and turns into errors are not shown.
pub(crate) fn install() {
    std::panic::set_hook(Box::new(|info| {
        if !rakewell::data::io::decoding() {
            eprint!("{}", message(&words(info), info.location().map(ToString::to_string)));
        }
    }));
}

fn words(info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default()
}

fn message(words: &str, place: Option<String>) -> String {
    format!(
        "\nrakewell stopped at a mistake of its own: this is a bug, not a fault of your files.\n\
         Please report it, with these lines and, if you may share them, the study file and the\n\
         first rows of the data:\n\n  \
         rakewell {} on {} {}\n  {}\n  at {}\n\n\
         No output file was left half-written.\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
        words.lines().next().unwrap_or("no message"),
        place.as_deref().unwrap_or("an unknown place"),
    )
}

#[cfg(test)]
mod tests {
    use super::message;

    #[test]
    fn a_bug_says_what_to_report() {
        let text = message("index out of bounds\nmore", Some("src/a.rs:1:2".to_string()));
        for part in
            ["bug", "Please report", env!("CARGO_PKG_VERSION"), "  index out", "src/a.rs:1:2"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("more\n") && text.lines().all(|l| l.len() < 100), "{text}");
    }
}

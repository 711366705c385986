//! What happens when the program is told to stop (Ctrl-C, `kill`): no half-written file stays.

/// From now on, SIGINT and SIGTERM end the program as they always do (exit codes 130 and 143), after
/// the temporary files beside the outputs are removed.
#[cfg(unix)]
pub(crate) fn watch() {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    // Without it the program works as well, and stops less tidily.
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return };
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            let _nothing_more = rakewell::data::io::abandon();
            eprintln!("\nrakewell was stopped; no output file was left half-written.");
            std::process::exit(128 + signal);
        }
    });
}

/// Other systems end the program by themselves.
#[cfg(not(unix))]
pub(crate) fn watch() {}

//! The table of all systems.

use super::others::{Results, Timed};

/// The estimate after raking, whose standard error other systems get wrong (see the README of
/// `benches/side_by_side/`), and the task of R that has it right.
const RAKED: &str = "one_mean_54_raked";
const RAKED_RIGHT: &str = "one_mean_54_calibrated";

/// Prints one line per task, and for each other system its median, how many times ours that is,
/// and the largest relative difference of the check values.
pub fn table(rows: usize, ours: &[Timed], others: &[Results]) {
    let mut header = vec!["task".to_string(), "rows".into(), "ours s (best, cpu)".into()];
    for other in others {
        let title = format!("{} s (best, cpu)", other.system);
        header.extend([title, "ratio (best, cpu)".into(), "difference".into()]);
    }
    let rules = vec!["---:"; header.len() - 1].join(" | ");
    println!("| {} |\n|---| {rules} |", header.join(" | "));
    for own in ours {
        let mut line = vec![own.task.clone(), rows.to_string(), seconds(own)];
        for other in others {
            line.extend(beside(own, other));
        }
        println!("| {} |", line.join(" | "));
    }
    println!(
        "Medians of the wall clock; in brackets the best, and the median processor time of all \
         threads, which a busy machine distorts least. A ratio is theirs ÷ ours. Differences are \
         relative, of the check values."
    );
    if let Some(own) = ours.iter().find(|t| t.task == RAKED) {
        for other in others {
            raked_note(own, other);
        }
    }
}

fn seconds(timed: &Timed) -> String {
    format!("{:.4} ({:.4}, {:.4})", timed.median, timed.best, timed.cpu)
}

fn beside(own: &Timed, other: &Results) -> [String; 3] {
    match other.tasks.iter().find(|t| t.task == own.task) {
        None => [const { String::new() }; 3],
        Some(theirs) => [
            seconds(theirs),
            format!(
                "{:.1} ({:.1}, {:.1})",
                theirs.median / own.median,
                theirs.best / own.best,
                theirs.cpu / own.cpu
            ),
            difference(&own.checks, &theirs.checks),
        ],
    }
}

/// The largest relative difference of two lists of numbers.
fn difference(a: &[f64], b: &[f64]) -> String {
    if a.is_empty() || a.len() != b.len() {
        return "not compared".to_string();
    }
    let worst = a.iter().zip(b).map(|(a, b)| relative(*a, *b)).fold(0.0, f64::max);
    format!("{worst:.0e}")
}

fn relative(a: f64, b: f64) -> f64 {
    if a == b { 0.0 } else { ((a - b) / a).abs() }
}

/// Says how the standard error after raking compares, and with what it should.
fn raked_note(own: &Timed, other: &Results) {
    let find = |task: &str| other.tasks.iter().find(|t| t.task == task);
    if let Some(theirs) = find(RAKED)
        && let ([estimate, se], [their_estimate, their_se]) = (&own.checks[..], &theirs.checks[..])
    {
        println!(
            "{RAKED}, {}: estimates differ by {:.0e}; its SE is {their_se:.10}, {:+.2} % off ours \
             of {se:.10} (unweighted sweeps)",
            other.system,
            relative(*estimate, *their_estimate),
            100.0 * (their_se / se - 1.0)
        );
    }
    if let Some(theirs) = find(RAKED_RIGHT) {
        println!(
            "{RAKED}, {} calibrate(calfun = \"raking\") in {:.3} s: estimate and SE differ by {}",
            other.system,
            theirs.median,
            difference(&own.checks, &theirs.checks)
        );
    }
}

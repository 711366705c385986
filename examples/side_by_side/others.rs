//! Running the programs of other systems and reading what they print.

use std::path::Path;
use std::process::Command;

/// Times of one task in seconds, and its check values.
#[derive(Debug, Clone)]
pub struct Timed {
    /// The task.
    pub task: String,
    /// The shortest time.
    pub best: f64,
    /// The median.
    pub median: f64,
    /// The median of the processor time of all threads.
    pub cpu: f64,
    /// The numbers to compare.
    pub checks: Vec<f64>,
}

/// What one system found.
#[derive(Debug, Clone)]
pub struct Results {
    /// Its name and version.
    pub system: String,
    /// Its tasks.
    pub tasks: Vec<Timed>,
}

/// Runs a program of `benches/side_by_side/`: one entry per system in its output. Lines are
/// `# system version, …` for a system, then `task best median cpu check …` for each of its tasks.
pub fn run(
    program: &str,
    script: &str,
    folder: &Path,
    repeats: usize,
) -> Result<Vec<Results>, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/side_by_side").join(script);
    eprintln!("running {program} {script} …");
    let output = Command::new(program)
        .arg(path)
        .arg(folder)
        .arg(repeats.to_string())
        .output()
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut found: Vec<Results> = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("# ") {
            let system = title.split(',').next().unwrap_or(title).to_string();
            found.push(Results { system, tasks: Vec::new() });
        } else if let (Some(last), Some(timed)) = (found.last_mut(), parse(line)) {
            last.tasks.push(timed);
        }
    }
    if !output.status.success() || found.is_empty() {
        let errors = String::from_utf8_lossy(&output.stderr);
        let last = errors.lines().rfind(|l| !l.trim().is_empty());
        return Err(last.unwrap_or("it printed no results").to_string());
    }
    Ok(found)
}

fn parse(line: &str) -> Option<Timed> {
    let mut words = line.split_whitespace();
    let task = words.next()?.to_string();
    let numbers: Option<Vec<f64>> = words.map(|w| w.parse().ok()).collect();
    match numbers?.as_slice() {
        &[best, median, cpu, ref checks @ ..] => {
            Some(Timed { task, best, median, cpu, checks: checks.to_vec() })
        }
        _ => None,
    }
}

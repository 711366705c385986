//! Lists that do not have everybody on them.

use super::design::Design;
use crate::diagnostic::Diagnostic;

/// Warnings of samples whose frame, as the design says (`covers`), lists a part of a group only. Whoever draws from a
/// file takes everybody in it to be on the list.
pub fn partial_lists(design: &Design) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for sample in design.samples.iter().filter(|s| s.part_of.is_none() && s.part.is_none()) {
        let Some(frame) = sample.frame.and_then(|f| design.frames.get(f)) else { continue };
        let groups = design.groups.iter().zip(&frame.covers);
        let partly: Vec<&str> =
            groups.filter(|(_, c)| **c < 1.0).map(|(g, _)| g.label.as_str()).collect();
        if partly.is_empty() {
            continue;
        }
        let message = format!(
            "sample `{}` is drawn as if everybody in the file were on its list, `{}`, which covers only a part of: {}",
            sample.name,
            frame.name,
            partly.join(", ")
        );
        let help = "give the file a column that says who is on the list, and the sample that column as `where`; \
                    otherwise the probabilities of those who are not on it are too large";
        found.push(Diagnostic::warning(message).help(help));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_covers_a_part_is_named_unless_the_sample_says_who_is_on_it() {
        let design = |part: &str| {
            let text = format!(
                "title = \"t\"\n[[group]]\nname = \"roma\"\ncount = \"roma\"\nis = \"g == 1\"\n\
                 [[frame]]\nname = \"list\"\ncovers = {{ roma = {{ value = 0.5, assumed = \"x\" }} }}\n\
                 [[sample]]\nname = \"boost\"\nframe = \"list\"\n{part}\n[[sample.stage]]\nunit = \"person\"\n\
                 take = {{ value = 5, assumed = \"x\" }}\n"
            );
            super::super::from_text("design.toml", &text, &[]).expect("a sound design").design
        };
        let said = partial_lists(&design(""));
        assert_eq!(said.len(), 1);
        assert!(
            said[0].message.contains("`boost`") && said[0].message.contains("roma"),
            "{}",
            said[0].message
        );
        assert!(partial_lists(&design("where = \"listed == 1\"")).is_empty());
    }
}

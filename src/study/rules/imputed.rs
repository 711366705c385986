//! Rules for data with imputations.

use crate::study::places::KeyPath;
use crate::study::spec::Data;

use super::Rules;

pub(super) fn check(data: &Data, rules: &mut Rules<'_>, path: &KeyPath) {
    let columns = path.key("imputed");
    for (i, imputed) in data.imputed.iter().enumerate() {
        rules.filled(&columns.index(i).key("name"), Some(&imputed.name));
        rules.filled(&columns.index(i).key("label"), imputed.label.as_deref());
        rules.names(&columns.index(i).key("columns"), Some(&imputed.columns));
    }
    let named = data.imputed.iter().enumerate();
    let named = named.map(|(i, v)| (columns.index(i).key("name"), v.name.as_str()));
    rules.unique("an imputed variable named", named);
    let files = path.key("imputations");
    for (i, file) in data.imputations.iter().enumerate() {
        rules.file_path(&files.index(i), Some(file));
        if *file == data.file || data.imputations[..i].contains(file) {
            rules.error(
                &files.index(i),
                format!("{} is named twice", file.display()),
                "the same imputation again",
                "`file` is the first completed copy and `imputations` are the others, each once",
            );
        }
    }
    if !data.imputed.is_empty() && !data.imputations.is_empty() {
        rules.error_at_key(
            &files,
            "the data have both `imputed` columns and `imputations` in files of their own".into(),
            "a second way to give imputations",
            "keep one: columns of one file, or completed copies of the file",
        );
    }
}

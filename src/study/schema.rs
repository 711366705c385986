//! The JSON schema of the study file, made from the types it is read into.

use serde_json::Value;

use crate::toml_file::schema_of;

use super::spec::Study;

/// The JSON schema (draft 2020-12) of the study file, for editors and for our own check.
pub fn json_schema() -> Value {
    schema_of::<Study>("rakewell study file")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toml_file::testing;

    fn anywhere(value: &Value, test: &dyn Fn(&Value) -> bool) -> bool {
        test(value)
            || match value {
                Value::Object(map) => map.values().any(|v| anywhere(v, test)),
                Value::Array(items) => items.iter().any(|v| anywhere(v, test)),
                _ => false,
            }
    }

    #[test]
    fn no_null_is_left() {
        let schema = json_schema();
        assert!(!anywhere(&schema, &|v| v.is_null() || v == "null"));
        assert!(schema.get("$id").is_none());
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(schema["properties"]["where"]["type"], "string");
        assert_eq!(schema["$defs"]["Data"]["properties"]["format"]["$ref"], "#/$defs/Format");
    }

    #[test]
    fn the_schema_is_understood_and_every_key_described() {
        testing::schema_is_sound(&json_schema());
    }

    #[test]
    fn stand_ins_make_a_study_of_any_wreck() {
        testing::any_wreck_is_read::<Study>(
            &json_schema(),
            &["", "title = 3", "data = 1\ndesign = []", "[[data]]\nx = 1\n[design]\ndf = 'x'"],
        );
    }

    #[test]
    fn the_types_accept_all_that_the_schema_does() {
        testing::types_accept_the_schema::<Study>(&json_schema());
    }

    #[test]
    fn every_synonym_leads_to_a_word_of_the_schema() {
        testing::synonyms_lead_to_words(&json_schema());
    }
}

use super::*;

fn adapted(schema: &str) -> (Option<String>, Notes) {
    let mut notes = Notes::default();
    let schema = serde_json::from_str(schema).unwrap();
    let adapted = output_schema(schema, "s", &mut notes);
    (adapted.map(|schema| schema.to_string()), notes)
}

/// What a schema becomes when nothing of it is lost.
fn whole(schema: &str) -> String {
    let (adapted, notes) = adapted(schema);
    assert_eq!(notes, Notes::default(), "{schema}");
    adapted.unwrap()
}

#[test]
fn a_schema_of_the_subset_keeps_its_words_and_order() {
    let schema = r#"{"type":"object","properties":{"b":{"type":"string","format":"date","minLength":1},
        "a":{"anyOf":[{"type":"integer","default":1},{"type":"null"}],"title":"A"},
        "c":{"type":"array","items":{"enum":["x",1,null]},"minItems":1},"d":{"const":"d"}},
        "required":["b","a"],"additionalProperties":false}"#;
    let compact: Value = serde_json::from_str(schema).unwrap();
    assert_eq!(whole(schema), compact.to_string());
}

#[test]
fn every_object_is_closed() {
    assert_eq!(
        whole(
            r#"{"properties":{"a":{"type":["object","null"],"properties":{}},"l":{"type":"array","items":{"type":"object","properties":{}}}}}"#
        ),
        r#"{"properties":{"a":{"type":["object","null"],"properties":{},"additionalProperties":false},"l":{"type":"array","items":{"type":"object","properties":{},"additionalProperties":false}}},"type":"object","additionalProperties":false}"#
    );
}

#[test]
fn local_references_are_written_out_and_what_says_nothing_goes() {
    assert_eq!(
        whole(
            r##"{"$schema":"x","$ref":"#/$defs/A","$defs":{"A":{"type":"object","properties":{
            "b":{"allOf":[{"$ref":"#/$defs/B"}],"description":"of a"}}},
            "B":{"type":"integer","description":"b","minimum":-9007199254740991,"maximum":9007199254740991}}}"##
        ),
        r#"{"type":"object","properties":{"b":{"description":"of a","type":"integer"}},"additionalProperties":false}"#
    );
}

#[test]
fn what_the_grammars_lack_is_told_and_named() {
    let (schema, notes) = adapted(
        r#"{"type":"object","properties":{
            "age":{"type":"integer","minimum":0,"exclusiveMaximum":150,"description":"In years."},
            "tags":{"type":"array","items":{"type":"string","format":"slug","pattern":"(?!x)"},"minItems":2,"uniqueItems":true},
            "shape":{"oneOf":[{"type":"string"},{"type":"number","multipleOf":2}]}}}"#,
    );
    assert_eq!(
        schema.unwrap(),
        r#"{"type":"object","properties":{"age":{"type":"integer","description":"In years.\n\n{minimum: 0, exclusiveMaximum: 150}"},"tags":{"type":"array","items":{"type":"string","description":"{format: \"slug\", pattern: \"(?!x)\"}"},"description":"{minItems: 2, uniqueItems: true}"},"shape":{"anyOf":[{"type":"string"},{"type":"number","description":"{multipleOf: 2}"}]}},"additionalProperties":false}"#
    );
    assert_eq!(
        notes.ignored().unwrap(),
        "s.properties.age.minimum, s.properties.age.exclusiveMaximum, s.properties.tags.items.format, \
         s.properties.tags.items.pattern, s.properties.tags.minItems, s.properties.tags.uniqueItems, \
         s.properties.shape.oneOf[1].multipleOf"
    );
    assert_eq!(notes.adjusted().unwrap(), "s.properties.shape.oneOf=anyOf");
}

#[test]
fn a_schema_that_would_say_something_else_is_not_adapted() {
    let root = |property: &str| {
        format!(
            r#"{{"type":"object","properties":{{"lost":{{"type":"integer","minimum":1}},"a":{property}}}}}"#
        )
    };
    for property in [
        "{}",
        "true",
        r#"{"description":"anything"}"#,
        r#"{"type":"object"}"#,
        r#"{"type":"object","additionalProperties":{"type":"string"}}"#,
        r#"{"type":"object","properties":{},"additionalProperties":true}"#,
        r#"{"type":"object","properties":{},"patternProperties":{"a":{"type":"string"}}}"#,
        r#"{"type":"array"}"#,
        r#"{"type":"array","items":true}"#,
        r#"{"type":"array","prefixItems":[{"type":"string"}],"items":false}"#,
        r#"{"allOf":[{"type":"string"},{"minLength":1}]}"#,
        r#"{"type":"string","allOf":[{"type":"number"}]}"#,
        r#"{"enum":[{"a":1}]}"#,
        r#"{"const":[1]}"#,
        r#"{"anyOf":[{"type":"string"}],"oneOf":[{"type":"string"}]}"#,
        r##"{"$ref":"#"}"##,
        r##"{"$ref":"#/$defs/missing"}"##,
        r#"{"$ref":"https://example.com/schema.json"}"#,
    ] {
        let (adapted, notes) = adapted(&root(property));
        assert_eq!(adapted, None, "{property}");
        assert_eq!(
            notes,
            Notes::default(),
            "nothing is lost of what is not sent"
        );
    }
    assert!(adapted(&root(r#"{"type":"string"}"#)).0.is_some());
}

#[test]
fn there_are_at_most_sixteen_unions() {
    let unions = |count: usize| {
        let properties: Vec<_> = (0..count)
            .map(|index| format!(r#""p{index}":{{"type":["string","null"]}}"#))
            .collect();
        format!(
            r#"{{"type":"object","properties":{{{}}}}}"#,
            properties.join(",")
        )
    };
    assert!(adapted(&unions(16)).0.is_some());
    assert!(adapted(&unions(17)).0.is_none());
}

#[test]
fn paths_are_cut_and_each_loss_is_counted() {
    let name = "ü".repeat(10_000);
    let properties: Vec<_> = (0..3)
        .map(|index| format!(r#""{name}{index}":{{"type":"integer","minimum":1}}"#))
        .collect();
    let (schema, mut notes) = adapted(&format!(
        r#"{{"type":"object","properties":{{{}}}}}"#,
        properties.join(",")
    ));
    notes.sort(&[]);
    assert!(schema.unwrap().contains(&name));
    assert_eq!(notes.ignored().unwrap(), "+3");
    assert!(notes.first_ignored().unwrap().len() < 2 * MAX_PATH);
}

use super::*;

/// Every answer is a real server's of 1.36.3; `""` where it took the selector.
#[test]
fn what_cannot_be_read_is_refused_in_the_servers_words() {
    let value = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must \
        start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for \
        validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
    let wrong_value =
        |text: &str| format!("unable to parse requirement: values[0][a]: Invalid value: \"{text}\": {value}");
    let requirement = |text: &str| format!("unable to parse requirement: {text}");
    let cases = [
        ("a=b=c", "found '=', expected: ',' or 'end of string'".to_owned()),
        ("a in", requirement("found '' expected: '('")),
        ("a in (", requirement("found '', expected: ',', ')' or identifier")),
        ("a in (b", requirement("found '', expected: ',' or ')'")),
        ("a in (b,", requirement("found '', expected: ',', or identifier")),
        ("a in b", requirement("found 'b' expected: '('")),
        ("!", requirement("found '', expected: identifier")),
        ("a,", "found '', expected: identifier after ','".to_owned()),
        ("a,,b", "found ',', expected: identifier after ','".to_owned()),
        (",a", "found ',', expected: !, identifier, or 'end of string'".to_owned()),
        ("a b", requirement("found 'b', expected: in, notin, =, ==, !=, gt, lt")),
        ("a=$", wrong_value("$")),
        ("a in (-b)", wrong_value("-b")),
        (
            "a>x",
            requirement(
                "values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer",
            ),
        ),
        ("a in (b c)", requirement("found 'c', expected: ',' or ')'")),
        ("a!", requirement("found '!', expected: in, notin, =, ==, !=, gt, lt")),
        ("(", "found '(', expected: !, identifier, or 'end of string'".to_owned()),
        ("!a=b", "found '=', expected: ',' or 'end of string'".to_owned()),
        ("a===b", requirement("found '=', expected: identifier")),
        ("a=b)", "found ')', expected: ',' or 'end of string'".to_owned()),
        ("a=!b", requirement("found '!', expected: identifier")),
        ("a in (!b)", requirement("found '!', expected: ',', ')' or identifier")),
    ];
    for (text, words) in cases {
        assert_eq!(labels(text).unwrap_err().message, words, "{text}");
    }
    let key = labels("A/b=c").unwrap_err().message;
    assert!(
        key.starts_with(
            "unable to parse requirement: <nil>: Invalid value: \"A/b\": prefix part a lowercase"
        ),
        "{key}"
    );
}

#[test]
fn what_the_server_takes_is_taken() {
    let taken = [
        "",
        "a",
        "a<1",
        "a>1",
        "a==",
        "a =",
        "a in ()",
        "a=b,!c,d!=e,f notin (g,h)",
        "x in (in)",
        "in",
        "in=a",
        "notin notin (x)",
        "a in (,)",
        "a in (b,,c)",
        " a = b ",
    ];
    for text in taken {
        assert!(labels(text).is_ok(), "{text}: {:?}", labels(text));
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(5_000))]

    /// What this grammar takes, the reader behind it takes as well: a refusal here is never the reader's.
    #[test]
    fn any_text_is_read_or_refused_by_the_servers_grammar(text in "[ab=!,()<> innot/.0-]{0,14}|.{0,8}") {
        if let Err(status) = labels(&text) {
            proptest::prop_assert!(status.code == 400 && !status.message.starts_with("at character"), "{}", status.message);
        }
        if let Ok(mut fields) = crate::selector::FieldSelector::parse(&text) {
            let kind = daytwo_core::resource::ResourceType {
                group: String::new(),
                version: "v1".into(),
                resource: "pods".into(),
                kind: "Pod".into(),
                namespaced: true,
            };
            if fields.check(&kind, None).is_ok() {
                fields.matches(&kind, &crate::ask::Object::new());
            }
        }
    }
}

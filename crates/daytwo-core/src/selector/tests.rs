use proptest::prelude::*;

use super::*;

fn holds(selector: &str, labels: &[(&str, &str)]) -> bool {
    let selector: Selector = selector.parse().unwrap();
    let found = selector
        .matches(|key| labels.iter().find(|(name, _)| *name == key).map(|(_, value)| (*value).into()));
    let object: serde_json::Map<_, _> =
        labels.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    let json = serde_json::to_vec(&object).unwrap();
    assert_eq!(selector.matches_json(Some(&json)).unwrap(), found);
    found
}

#[test]
fn every_operator_holds_as_kubectl_has_it() {
    let web = [("app", "web"), ("n", "7"), ("e", "")];
    for selector in [
        "",
        " ",
        "app",
        "app=web",
        "app==web",
        "app = web",
        "app!=db",
        "none!=x",
        "app in (db, web)",
        "app in(web)",
        "app notin (db)",
        "none notin (x)",
        "!none",
        "! none",
        "n>6",
        "n<8",
        "e=",
        "e in (,)",
        "app,n",
        "app=web, !none",
        "none notin (a,b),app in (web,)",
    ] {
        assert!(holds(selector, &web), "{selector:?}");
    }
    for selector in [
        "none",
        "!app",
        "app=db",
        "app!=web",
        "app notin (web)",
        "n>7",
        "app>1",
        "none>1",
        "none=",
        "app,none",
        "e!=",
    ] {
        assert!(!holds(selector, &web), "{selector:?}");
    }
}

#[test]
fn keys_may_have_a_prefix_or_be_called_in() {
    assert!(holds(
        "example.com/Tier_1=x,in in (notin),notin",
        &[("example.com/Tier_1", "x"), ("in", "notin"), ("notin", "")]
    ));
}

#[test]
fn an_error_names_the_character_and_shows_an_example() {
    for (selector, position) in [
        ("app=web,", 9),
        ("app web", 5),
        ("=web", 1),
        ("app in web", 8),
        ("app in ()", 9),
        ("app in (a", 10),
        ("app=a b", 7),
        ("ä=1", 1),
        ("a=ü", 3),
        ("n>x", 3),
        ("a/b/c", 1),
        ("-a", 1),
        ("a=b=c", 4),
        ("app=-x", 5),
        ("a,,b", 3),
        ("(", 1),
        ("a!", 2),
    ] {
        let error = selector.parse::<Selector>().unwrap_err();
        assert_eq!(error.position, position, "{selector:?}: {error}");
    }
    assert_eq!(
        "app in web".parse::<Selector>().unwrap_err().to_string(),
        "at character 8: expected '(' and values, such as (front, back), found 'web'; \
         an example is 'app=web,tier in (front, back),!canary'"
    );
    assert!(format!("a={}", "x".repeat(64)).parse::<Selector>().is_err());
}

#[test]
fn labels_that_are_no_object_are_an_error() {
    let selector: Selector = "a=1".parse().unwrap();
    assert!(!selector.matches_json(None).unwrap());
    assert!(selector.matches_json(Some(br#"{"a":1}"#)).is_err());
}

proptest! {
    #[test]
    fn what_is_written_reads_back(text in "(!?[a-c](=|==|!=)?[a-z]{0,3}|[a-c] (not)?in \\([a-z]{1,2}(,[a-z]?)?\\)|[a-c][<>][0-9])(, ?[a-c])?") {
        if let Ok(selector) = text.parse::<Selector>() {
            prop_assert_eq!(selector.to_string().parse::<Selector>(), Ok(selector.clone()));
            let json = serde_json::to_string(&selector).unwrap();
            prop_assert_eq!(serde_json::from_str::<Selector>(&json).unwrap(), selector);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[a-b=!<>,() inotä/.-]{0,16}|.{0,16}") {
        let _ = text.parse::<Selector>();
    }
}

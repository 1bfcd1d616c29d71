//! What `outcrop keys` says of flags that cannot be.

use super::command::{fails, folder};

#[test]
fn an_address_that_is_refused_is_not_repeated() {
    let folder = folder();
    for (flag, address, expected) in [
        (
            "--store",
            "redis//:hunter2@cache",
            "--store must be sqlite:FILE, redis://HOST or rediss://HOST: it is neither sqlite:FILE nor a URL",
        ),
        (
            "--store",
            "http://:hunter2@cache",
            "--store must be sqlite:FILE, redis://HOST or rediss://HOST: it starts with none of sqlite:, redis:// and rediss://",
        ),
        (
            "--url",
            "http://me:hunter2@gateway.example",
            "--url must be like http://127.0.0.1:4001",
        ),
    ] {
        let failure = fails(folder.path(), &["list", flag, address]);
        let expected = format!("outcrop: {expected}\n");
        assert_eq!(failure, (Some(2), expected), "{address}");
    }
}

#[test]
fn a_number_that_cannot_be_is_told_its_bounds() {
    let arguments = ["create", "--name", "a", "--rpm", "4294967296"];
    let (code, error) = fails(folder().path(), &arguments);
    assert_eq!(code, Some(2));
    assert!(
        error.ends_with("a whole number from 1 to 4294967295, or none\n"),
        "{error}"
    );
}

#[test]
fn flags_that_take_each_other_back_are_refused() {
    for (flags, expected) in [
        (
            &["--budget", "none", "--per", "day"][..],
            "--per is for a budget, and --budget is none",
        ),
        (
            &["--tag", "team=a", "--tag", "team=b"],
            "--tag names team twice",
        ),
        (
            &["--tag", "team=a", "--untag", "team"],
            "--untag takes team away, which --tag sets",
        ),
    ] {
        let failure = fails(folder().path(), &[&["update", "a"], flags].concat());
        assert_eq!(failure, (Some(2), format!("outcrop: {expected}\n")));
    }
}

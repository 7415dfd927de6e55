use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

fn parse(text: &str) -> Result<ConfigFile, ConfigError> {
    ConfigFile::parse(Path::new("/etc/journal.toml"), text)
}

fn message(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

fn nothing(_: &str) -> Option<String> {
    None
}

#[test]
fn a_profiles_own_value_wins_over_the_common_one() {
    let file = parse(
        "data_center = \"eu\"\nmax_entries = 500\nrequire_approval = 100\n\
         [profile.acme]\ndata_center = \"in\"\n",
    )
    .unwrap();
    let get = |profile, key| {
        let (text, origin) = file.get(profile, key).unwrap();
        (text.to_owned(), origin.to_string())
    };
    assert_eq!(
        get("acme", Key::DataCenter),
        ("in".to_owned(), "profile.acme.data_center in /etc/journal.toml".to_owned())
    );
    assert_eq!(
        get("default", Key::DataCenter),
        ("eu".to_owned(), "data_center in /etc/journal.toml".to_owned())
    );
    assert_eq!(get("acme", Key::MaxEntries).0, "500");
    assert_eq!(get("acme", Key::RequireApproval).0, "100");
    assert!(file.get("acme", Key::Db).is_none());
}

#[test]
fn an_unknown_key_is_refused_with_what_was_meant() {
    assert_eq!(
        message("data_centre = \"eu\""),
        "/etc/journal.toml: unknown setting data_centre, did you mean data_center?"
    );
    assert_eq!(
        message("[profile.a]\nshoe_size = 1"),
        "/etc/journal.toml: unknown setting profile.a.shoe_size"
    );
    assert!(message("[profiles.a]\ndb = \"x\"").contains("unknown setting profiles"));
}

#[test]
fn a_value_of_another_type_is_named() {
    assert_eq!(
        message("max_entries = \"many\""),
        "/etc/journal.toml: max_entries must be a whole number without quotes, not text"
    );
    assert_eq!(
        message("[profile.a]\ntimeout = 30"),
        "/etc/journal.toml: profile.a.timeout must be text in quotes, not a whole number"
    );
    assert!(message("profile = \"acme\"").contains("profile must be a table"));
    assert!(message("[profile]\nacme = 1").contains("profile.acme must be a table"));
    assert!(message("require_approval = true").contains("not true or false"));
}

#[test]
fn secrets_are_refused_by_name_and_never_repeated() {
    for (key, variable) in [
        ("client_secret", "ZOHO_CLIENT_SECRET"),
        ("refresh_token", "ZOHO_REFRESH_TOKEN"),
        ("access_token", "ZOHO_ACCESS_TOKEN"),
        ("Refresh-Token", "ZOHO_REFRESH_TOKEN"),
        ("zoho_password", "in the environment"),
    ] {
        for table in ["", "[profile.acme]\n"] {
            let message = message(&format!("{table}{key} = \"canary-1234\""));
            assert!(message.contains(key) && message.contains(variable), "{message}");
            assert!(!message.contains("canary"), "{message}");
        }
    }
}

#[test]
fn a_syntax_error_names_the_line_and_repeats_nothing_of_it() {
    for damaged in [
        "db = \"x\"\nrefresh_token = canary-1234\n",
        "db = \"x\"\nrefresh_token = \"canary-1234\n",
        "db = \"x\"\ncanary-1234\n",
        "db = \"x\"\n\"canary-1234\" = 1\n\"canary-1234\" = 2\n",
        "db = \"x\"\na = 1canary-1234\n",
    ] {
        let error = parse(damaged).unwrap_err();
        assert!(!error.to_string().contains("canary"), "{error}");
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
    assert!(message("db = \"x\"\ntimeout = = 3\n").contains("line 2"));
}

#[test]
fn profile_names_in_the_file_follow_the_rule_too() {
    assert!(message("[profile.\"../x\"]\n").contains("is no profile name"));
}

#[test]
fn a_misspelt_profile_is_not_taken_for_an_empty_one() {
    let file = parse("[profile.sandbox]\nenvironment = \"sandbox\"\n[profile.acme]\n").unwrap();
    assert!(file.check_profile("sandbox", "default").is_ok());
    assert!(file.check_profile("default", "default").is_ok());
    assert_eq!(
        file.check_profile("sandbx", "default").unwrap_err().to_string(),
        "/etc/journal.toml: no profile named sandbx, did you mean sandbox? (there are: acme, sandbox)"
    );
    let file = parse("environment = \"sandbox\"").unwrap();
    assert!(file.check_profile("anything", "default").is_ok());
}

#[test]
fn a_named_file_must_exist_and_be_safe() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("config.toml");
    let error = ConfigFile::find(Some(&path), &nothing).unwrap_err();
    assert!(error.to_string().contains("does not exist"));

    fs::write(&path, "timeout = \"5s\"").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let named = |name: &str| (name == FILE_VARIABLE).then(|| path.display().to_string());
    let file = ConfigFile::find(None, &named).unwrap().unwrap();
    assert_eq!(file.path(), path);

    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    let error = ConfigFile::find(Some(&path), &nothing).unwrap_err();
    assert!(error.to_string().contains("can be changed by others"), "{error}");
}

#[test]
fn a_file_that_is_not_text_is_an_error() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("config.toml");
    fs::write(&path, b"db = \"x\"\n\xff\xfe").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let error = ConfigFile::read(&path).unwrap_err().to_string();
    assert!(error.ends_with("line 2: not UTF-8"), "{error}");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}") {
        drop(parse(&text));
    }
}

use super::super::key::Shape;
use super::*;

const HOME: &str = "/home/me";

fn directories() -> Directories {
    Directories {
        data: PathBuf::from("/home/me/.local/share/zoho-journal"),
        config: PathBuf::from("/home/me/.config/zoho-journal"),
        cache: PathBuf::from("/home/me/.cache/zoho-journal"),
    }
}

fn resolve(flags: &Flags, env: &[(&str, &str)], file: &str) -> Result<Settings, ConfigError> {
    let path = PathBuf::from(HOME).join("config.toml");
    let file = ConfigFile::parse(&path, file).unwrap();
    let env = |name: &str| {
        let found = env.iter().find(|(one, _)| *one == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    Settings::resolve_in(flags, &env, Some(&file), || Ok(directories()))
}

fn failure(env: &[(&str, &str)], file: &str) -> String {
    resolve(&Flags::default(), env, file).unwrap_err().to_string()
}

#[test]
fn the_defaults_are_the_documented_ones() {
    let settings = resolve(&Flags::default(), &[], "").unwrap();
    let shown: Vec<_> = settings
        .rows()
        .into_iter()
        .filter(|row| row.key != "config")
        .map(|row| {
            assert_eq!(row.origin, Origin::Default, "{}", row.key);
            format!("{}={}", row.key, row.value)
        })
        .collect();
    assert_eq!(
        shown,
        [
            "profile=default",
            "db=/home/me/.local/share/zoho-journal/default.db",
            "product=crm",
            "data_center=us",
            "environment=production",
            "api_version=v8",
            "api_url=",
            "accounts_url=",
            "timeout=30s",
            "quarantine=2m",
            "require_approval=never",
            "approval_rules=",
            "approver=named",
            "allowed_signers=",
            "max_entries=10000",
            "max_calls=",
            "max_credits=",
            "daily_credits=",
            "concurrency=5",
            "max_failures=100",
            "tags_per_job=100",
            "client_id=",
            "client_secret_command=",
            "refresh_token_command=",
            "access_token_command=",
            "credentials_file=/home/me/.config/zoho-journal/credentials/default.toml",
            "service_user=",
            "snapshot_recipient=",
        ]
    );
}

#[test]
fn flag_wins_over_environment_over_file_over_default() {
    let file = "timeout = \"1s\"";
    let env = [("JOURNAL_HTTP_TIMEOUT", "2s")];
    let flags = Flags { timeout: Some("3s".to_owned()), ..Flags::default() };
    let timeout = |flags: &Flags, env: &[(&str, &str)], file| {
        let setting = resolve(flags, env, file).unwrap().timeout;
        (setting.value.as_secs(), setting.origin.to_string())
    };
    let none = Flags::default();
    assert_eq!(timeout(&flags, &env, file), (3, "flag --timeout".into()));
    assert_eq!(timeout(&none, &env, file), (2, "environment JOURNAL_HTTP_TIMEOUT".into()));
    assert_eq!(timeout(&none, &[], file), (1, "timeout in /home/me/config.toml".into()));
    assert_eq!(timeout(&none, &[], ""), (30, "default".into()));
    assert_eq!(timeout(&none, &[("JOURNAL_HTTP_TIMEOUT", "")], "").1, "default");
}

const RECIPIENT: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

#[test]
fn every_setting_can_come_from_every_place() {
    for key in Key::ALL.iter().copied() {
        let (given, shown) = match key {
            Key::Product => ("bigin", "bigin"),
            Key::DataCenter => ("jp", "jp"),
            Key::Environment => ("sandbox", "sandbox"),
            Key::ApiVersion => ("v2", "v2"),
            Key::ApiUrl | Key::AccountsUrl => ("http://127.0.0.1:1/", "http://127.0.0.1:1"),
            Key::Db | Key::CredentialsFile => ("/data/x.db", "/data/x.db"),
            Key::ClientId => ("1000.ID", "1000.ID"),
            Key::ClientSecretCommand | Key::RefreshTokenCommand | Key::AccessTokenCommand => {
                ("pass show zoho", "pass show zoho")
            }
            Key::Timeout | Key::Quarantine => ("90s", "1m 30s"),
            Key::RequireApproval => ("7", "7"),
            Key::ApprovalRules => (":Deals=5,delete=always", "*:Deals=5, delete=always"),
            Key::Approver => ("signed", "signed"),
            Key::AllowedSigners => ("/etc/signers", "/etc/signers"),
            Key::MaxEntries
            | Key::MaxCalls
            | Key::MaxCredits
            | Key::Concurrency
            | Key::MaxFailures
            | Key::TagsPerJob => ("8", "8"),
            Key::DailyCredits => ("20%", "20%"),
            Key::ServiceUser => ("4876876000000624002", "4876876000000624002"),
            Key::SnapshotRecipient => (RECIPIENT, RECIPIENT),
        };
        let find = |settings: Settings| {
            let rows = settings.rows();
            let row = rows.into_iter().find(|row| row.key == key.wire_name());
            row.unwrap()
        };
        let row = find(resolve(&Flags::default(), &[(key.variable(), given)], "").unwrap());
        assert_eq!(row.value, shown);
        assert_eq!(row.origin, Origin::Environment(key.variable()));

        let toml = match key.shape() {
            Shape::Number => given.to_owned(),
            Shape::Text | Shape::TextOrNumber | Shape::Rules => format!("\"{given}\""),
        };
        let file = format!("[profile.default]\n{key} = {toml}\n");
        let row = find(resolve(&Flags::default(), &[], &file).unwrap());
        assert_eq!(row.value, shown);
        assert!(matches!(row.origin, Origin::File { .. }));
    }
}

#[test]
fn approval_rules_of_all_places_count_together() {
    let file = "[approval_rules]\n\"*:Deals\" = 50\ndelete = \"always\"\n\
                [profile.acme.approval_rules]\n\":Deals\" = 20\nrestore = \"3\"\n[profile.beta]\n";
    let env = [("JOURNAL_APPROVAL_RULES", "restore=9, untag:Leads=2")];
    let flags = |profile: &str| Flags {
        profile: Some(profile.to_owned()),
        approval_rules: Some("unlink=1".to_owned()),
        ..Flags::default()
    };
    let settings = resolve(&flags("acme"), &env, file).unwrap();
    let all = "*:Deals=20, delete=always, untag:Leads=2, unlink=1, restore=3";
    assert_eq!(settings.approval_rules().to_string(), all);
    let rows = settings.rows().into_iter().filter(|row| row.key == "approval_rules");
    let rows: Vec<_> = rows.map(|row| format!("{} ({})", row.value, row.origin)).collect();
    assert_eq!(
        rows,
        [
            "unlink=1 (flag --approval-rule)",
            "untag:Leads=2, restore=9 (environment JOURNAL_APPROVAL_RULES)",
            "*:Deals=20, restore=3 (profile.acme.approval_rules in /home/me/config.toml)",
            "*:Deals=50, delete=always (approval_rules in /home/me/config.toml)",
        ]
    );
    let settings = resolve(&flags("beta"), &[], file).unwrap();
    assert_eq!(settings.approval_rules().to_string(), "*:Deals=50, delete=always, unlink=1");
    assert!(failure(&[], "[approval_rules]\ndelete = \"never\"").contains("a rule only tightens"));
    assert!(failure(&[("JOURNAL_APPROVAL_RULES", "x")], "").starts_with("environment JOURNAL"));
}

#[test]
fn a_wrong_value_names_where_it_came_from() {
    assert_eq!(
        failure(&[("JOURNAL_DATA_CENTER", "mars")], ""),
        "environment JOURNAL_DATA_CENTER: \"mars\" is no data centre: \
         choose one of us, eu, in, au, cn, jp, ca, sa, uk"
    );
    assert!(
        failure(&[], "concurrency = 1000").starts_with("concurrency in /home/me/config.toml: ")
    );
    assert!(failure(&[], "max_entries = -1").contains("\"-1\" is not a whole number"));
    assert!(failure(&[("JOURNAL_API_URL", "http://zoho.example")], "").contains("use https"));
    assert!(failure(&[("JOURNAL_PROFILE", "../x")], "").contains("is no profile name"));
    assert!(failure(&[], "db = \"~/x.db\"").contains("only a shell expands"));
}

#[test]
fn the_journals_default_name_is_the_profiles() {
    let env = [("JOURNAL_PROFILE", "acme")];
    let settings = resolve(&Flags::default(), &env, "").unwrap();
    assert_eq!(settings.db.value, Path::new("/home/me/.local/share/zoho-journal/acme.db"));
    assert_eq!(settings.db.origin, Origin::Default);
    let file = "[profile.acme]\ndb = \"acme/j.db\"\n[profile.beta]\n";
    let settings = resolve(&Flags::default(), &env, file).unwrap();
    assert_eq!(settings.db.value, Path::new("/home/me/acme/j.db"));
    let flags = Flags { profile: Some("alpha".to_owned()), ..Flags::default() };
    let error = resolve(&flags, &env, file).unwrap_err();
    assert!(matches!(error, ConfigError::UnknownProfile { .. }));
}

#[test]
fn without_a_home_only_what_needs_one_fails() {
    let none = |_: &str| None;
    let flags = Flags { db: Some(PathBuf::from("j.db")), ..Flags::default() };
    let settings = Settings::resolve_in(&flags, &none, None, || Err(NoHome)).unwrap();
    assert_eq!(settings.db.origin, Origin::Flag("--db"));
    assert_eq!(settings.credentials_file, Setting::default_of(None));
    let error = Settings::resolve_in(&Flags::default(), &none, None, || Err(NoHome));
    assert!(matches!(error, Err(ConfigError::NoHome(_))));
}

#[test]
fn the_api_version_follows_the_product() {
    let bigin = [("JOURNAL_PRODUCT", "bigin")];
    let settings = resolve(&Flags::default(), &bigin, "").unwrap();
    assert_eq!(settings.api_version.value, ApiVersion::V2);
    let error = failure(&bigin, "api_version = \"v8\"");
    assert!(error.ends_with("bigin has no API version v8"), "{error}");

    let settings = resolve(&Flags::default(), &[], "api_version = \"v6\"").unwrap();
    assert_eq!(settings.api_version_for(Product::Crm), ApiVersion::V6);
    assert_eq!(settings.api_version_for(Product::Bigin), ApiVersion::V2);
}

#[test]
fn the_stored_sign_in_is_the_profiles() {
    let env = [("JOURNAL_PROFILE", "acme")];
    let file = |text: &str| resolve(&Flags::default(), &env, text).unwrap().credentials_file;
    let default = "/home/me/.config/zoho-journal/credentials/acme.toml";
    assert_eq!(file("").value.as_deref(), Some(Path::new(default)));
    let own = file("[profile.acme]\ncredentials_file = \"secret/acme.toml\"\n");
    assert_eq!(own.value.as_deref(), Some(Path::new("/home/me/secret/acme.toml")));
}

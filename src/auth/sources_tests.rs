use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;
use crate::config::{ConfigFile, Flags};
use crate::zoho::secret::ClientKey;

const EU: &str = "https://accounts.zoho.eu";

/// Settings, environment and files of a test.
struct World {
    dir: tempfile::TempDir,
    environment: BTreeMap<&'static str, String>,
    settings: String,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { dir, environment: BTreeMap::new(), settings: String::new() }
    }

    fn set(&mut self, name: &'static str, value: &str) -> &mut Self {
        self.environment.insert(name, value.to_owned());
        self
    }

    fn hand(&mut self, name: &str, value: &str) -> &mut Self {
        let directory = self.dir.path().join("handed");
        fs::create_dir_all(&directory).unwrap();
        let path = directory.join(name);
        fs::write(&path, value).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        self.set("CREDENTIALS_DIRECTORY", directory.to_str().unwrap())
    }

    fn setting(&mut self, line: &str) -> &mut Self {
        self.settings.push_str(line);
        self.settings.push('\n');
        self
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("credentials.toml")
    }

    fn store(&mut self, secret: &str, refresh: &str) -> &mut Self {
        let id = ClientId::new("1000.stored").unwrap();
        let client = ClientKey { id, secret: ClientSecret::new(secret).unwrap() };
        stored::write(&self.file(), EU, &client, &RefreshToken::new(refresh).unwrap()).unwrap();
        self
    }

    fn sources_for(&self, accounts: &str) -> Sources {
        let text =
            format!("db = \"x.db\"\ncredentials_file = \"credentials.toml\"\n{}", self.settings);
        let file = ConfigFile::parse(&self.dir.path().join("config.toml"), &text).unwrap();
        let environment = |name: &str| self.environment.get(name).cloned();
        let settings = Settings::resolve(&Flags::default(), &environment, Some(&file)).unwrap();
        Sources::new(&settings, environment, accounts)
    }

    fn sources(&self) -> Sources {
        self.sources_for(EU)
    }

    async fn found(&self) -> String {
        let sources = self.sources();
        match sources.find().await {
            Err(error) => format!("error: {error}"),
            Ok(Means::Nothing) => "nothing".to_owned(),
            Ok(Means::Ready(token)) => format!("access {}", token.value.expose()),
            Ok(Means::Refresh { client_id, refresh_token }) => {
                let secret = sources.client_secret().await.unwrap().unwrap();
                format!(
                    "{} {} {}",
                    client_id.value.as_str(),
                    secret.value.expose(),
                    refresh_token.value.expose()
                )
            }
        }
    }
}

#[tokio::test]
async fn each_item_comes_from_the_first_place_that_has_it() {
    let mut place = World::new();
    assert_eq!(place.found().await, "nothing");
    assert!(!place.sources().is_configured() || cfg!(feature = "keyring"));
    place.store("s-stored", "r-stored");
    assert!(place.sources().is_configured());
    assert_eq!(place.found().await, "1000.stored s-stored r-stored");
    place.setting("client_id = \"1000.set\"").setting("client_secret_command = \"echo s-command\"");
    assert_eq!(place.found().await, "1000.set s-command r-stored");
    place.setting("refresh_token_command = \"sh -c 'echo r-command'\"");
    assert_eq!(place.found().await, "1000.set s-command r-command");
    place.hand("zoho_client_secret", "s-handed\n").hand("zoho_refresh_token", "r-handed\n");
    assert_eq!(place.found().await, "1000.set s-handed r-handed");
    place.set("ZOHO_REFRESH_TOKEN", "r-env").set("ZOHO_CLIENT_ID", "1000.env");
    assert_eq!(place.found().await, "1000.env s-handed r-env");
    place.set("ZOHO_ACCESS_TOKEN", "a-env");
    assert_eq!(place.found().await, "access a-env");
}

#[tokio::test]
async fn an_access_token_wins_over_refresh_tokens_of_its_own_place_and_of_later_ones() {
    let mut place = World::new();
    place.store("s-stored", "r-stored").setting("access_token_command = \"echo a-command\"");
    assert_eq!(place.found().await, "access a-command");
    place.hand("zoho_refresh_token", "r-handed");
    assert_eq!(place.found().await, "1000.stored s-stored r-handed");
    place.hand("zoho_access_token", "a-handed");
    assert_eq!(place.found().await, "access a-handed");
}

#[tokio::test]
async fn where_each_came_from_is_told_without_its_value() {
    let mut place = World::new();
    place.store("canary", "canary").setting("client_secret_command = \"echo canary\"");
    let sources = place.sources();
    let Means::Refresh { client_id, refresh_token } = sources.find().await.unwrap() else {
        panic!("no refresh token")
    };
    let secret = sources.client_secret().await.unwrap().unwrap();
    let file = place.file();
    assert_eq!(client_id.place.to_string(), format!("stored sign-in {}", file.display()));
    assert_eq!(refresh_token.place, Place::Stored(file));
    let told = secret.place.to_string();
    assert!(told.starts_with("client_secret_command (client_secret_command in "), "{told}");
    assert!(!format!("{sources:?} {client_id:?} {refresh_token:?} {secret:?}").contains("canary"));
}

#[tokio::test]
async fn what_is_no_credential_names_its_place_and_not_its_text() {
    let mut place = World::new();
    place.set("ZOHO_REFRESH_TOKEN", "canary canary");
    let told = place.found().await;
    assert!(told.contains("environment ZOHO_REFRESH_TOKEN: the refresh token holds"), "{told}");
    assert!(!told.contains("canary"));
    place.set("ZOHO_REFRESH_TOKEN", "");
    place.setting("refresh_token_command = \"sh -c 'echo canary; exit 1'\"");
    let told = place.found().await;
    assert!(told.contains("refresh_token_command: sh failed"), "{told}");
    assert!(!told.contains("canary"));
}

#[tokio::test]
async fn a_refresh_token_without_its_client_is_told() {
    let mut place = World::new();
    place.set("ZOHO_REFRESH_TOKEN", "r");
    let told = place.found().await;
    let expected =
        "error: there is a refresh token (environment ZOHO_REFRESH_TOKEN), but no client id";
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_handed_secret_that_others_can_read_is_refused() {
    let mut place = World::new();
    place.hand("zoho_refresh_token", "canary");
    let path = place.dir.path().join("handed/zoho_refresh_token");
    let open = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    for mode in [0o444, 0o404, 0o420] {
        open(mode);
        let told = place.found().await;
        assert!(told.contains("can be") && !told.contains("canary"), "{told}");
    }
    let link = Path::new("/dev/null");
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(link, &path).unwrap();
    assert!(place.found().await.contains("symbolic link"));
}

#[tokio::test]
async fn the_stored_sign_in_is_not_sent_to_another_accounts_server() {
    let mut place = World::new();
    place.store("canary", "canary");
    let error = place.sources_for("http://127.0.0.1:1").find().await.unwrap_err();
    assert!(matches!(error, SourceError::Stored(StoredError::Elsewhere { .. })), "{error}");
    // A login does not look at it at all.
    let (id, secret) = place.sources().client_for_login().await.unwrap();
    assert!(id.is_none() && secret.is_none());
}

/// A port of this machine belongs to whoever took it.
#[tokio::test]
async fn secrets_for_zoho_are_not_sent_to_a_rehearsal_that_came_from_elsewhere() {
    const LOCAL: &str = "http://127.0.0.1:4711";
    for (key, item) in [
        ("refresh_token_command", Item::RefreshToken),
        ("client_secret_command", Item::ClientSecret),
        ("access_token_command", Item::AccessToken),
    ] {
        let mut place = World::new();
        let ran = place.dir.path().join("ran");
        place.set("JOURNAL_API_URL", LOCAL);
        place.setting(&format!("{key} = \"touch {}\"", ran.display()));
        let refused = place.sources_for(LOCAL).first(item, &Level::ALL).await.unwrap_err();
        let told = refused.to_string();
        assert!(matches!(refused, SourceError::Rehearsal { .. }), "{told}");
        assert!(told.contains(key) && told.contains("environment JOURNAL_API_URL"), "{told}");
        assert!(told.contains(LOCAL) && told.contains("ZOHO_REFRESH_TOKEN"), "{told}");
        assert!(!ran.exists());
        // In the environment they are the rehearsal's own.
        place.set(item.variable(), "own");
        assert!(place.sources_for(LOCAL).first(item, &Level::ALL).await.unwrap().is_some());
    }
    let mut place = World::new();
    place.set("JOURNAL_API_URL", LOCAL).hand("zoho_refresh_token", "canary");
    let refused = place.sources_for(LOCAL).find().await.unwrap_err();
    assert!(matches!(refused, SourceError::Rehearsal { .. }), "{refused}");
    assert!(place.sources().first(Item::RefreshToken, &Level::ALL).await.unwrap().is_some());
}

#[tokio::test]
async fn a_rehearsal_of_the_settings_file_has_the_secrets_of_the_same_part() {
    const LOCAL: &str = "http://127.0.0.1:4711";
    let command = "access_token_command = \"echo canary\"";
    let mut place = World::new();
    place.setting(command).setting(&format!("api_url = \"{LOCAL}\""));
    assert!(matches!(place.sources_for(LOCAL).find().await, Ok(Means::Ready(_))));
    // Secrets for all profiles are not for the rehearsal of one.
    let mut place = World::new();
    place.setting(command).setting("[profile.try]").setting(&format!("api_url = \"{LOCAL}\""));
    place.set("JOURNAL_PROFILE", "try");
    let refused = place.sources_for(LOCAL).find().await.unwrap_err();
    assert!(matches!(refused, SourceError::Rehearsal { .. }), "{refused}");
    place.setting(command);
    assert!(matches!(place.sources_for(LOCAL).find().await, Ok(Means::Ready(_))));
}

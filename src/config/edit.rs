//! Changing one setting in the settings file; comments and order stay.

use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, TableLike, Value};

use super::error::ConfigError;
use super::file::{ConfigFile, FILE_VARIABLE, SIZE_LIMIT, place_of_secret, shortened};
use super::key::{Key, Shape};
use super::resolve::{self, Flags, Settings};
use super::setting::Origin;
use super::suggest::nearest;
use super::value;
use crate::platform::{self, Directories};

/// What was changed, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The file.
    pub file: PathBuf,
    /// The profile whose table has the key now.
    pub profile: String,
    /// Whether the file had no such profile, but others.
    pub is_new_profile: bool,
    /// The key.
    pub key: Key,
    /// Its value, as text.
    pub value: String,
    /// What the profile's table said before.
    pub was: Option<String>,
    /// What wins over the file: a flag or an environment variable.
    pub overridden_by: Option<Origin>,
}

/// Sets a key in the profile's table of the settings file, which is made where there is none.
///
/// The key and the value must be ones that would be taken when the file is read; else nothing is written.
pub fn change(
    flags: &Flags,
    env: &dyn Fn(&str) -> Option<String>,
    key: &str,
    text: &str,
) -> Result<Change, ConfigError> {
    let key = known(key)?;
    let profile = resolve::profile(flags, env, None)?.value;
    let file = place(flags, env)?;
    let before = match platform::read_configuration(&file, SIZE_LIMIT) {
        Err(problem) if problem.is_missing() => String::new(),
        read => ConfigFile::text(&file, read?)?,
    };
    // What is wrong with it already is told as reading tells it, without what stands there.
    let known_profiles = ConfigFile::parse(&file, &before)?.profile_names();
    let edited = edited(&file, &before, &profile, key, text)?;
    check(&file, &edited.text, &profile, key)?;
    platform::replace_configuration(&file, edited.text.as_bytes())?;
    Ok(Change {
        is_new_profile: !known_profiles.is_empty() && !known_profiles.contains(&profile),
        overridden_by: overriding(flags, env, key),
        value: text.to_owned(),
        was: edited.was,
        file,
        profile,
        key,
    })
}

/// The text of a settings file once a key is set in a profile's table: what [`change`] would write.
pub fn changed(
    file: &Path,
    before: &str,
    profile: &str,
    key: &str,
    text: &str,
) -> Result<String, ConfigError> {
    let key = known(key)?;
    ConfigFile::parse(file, before)?;
    let edited = edited(file, before, profile, key, text)?;
    check(file, &edited.text, profile, key)?;
    Ok(edited.text)
}

fn known(name: &str) -> Result<Key, ConfigError> {
    if let Some(place) = place_of_secret(name) {
        return Err(ConfigError::SecretGiven { key: shortened(name), place });
    }
    name.parse().map_err(|_| ConfigError::UnknownSetting {
        key: shortened(name),
        suggestion: nearest(name, Key::ALL.iter().map(|key| key.wire_name())).map(str::to_owned),
    })
}

/// The file that reading would look at.
fn place(flags: &Flags, env: &dyn Fn(&str) -> Option<String>) -> Result<PathBuf, ConfigError> {
    if let Some(path) = &flags.config {
        return Ok(path.clone());
    }
    if let Some(path) = resolve::variable(env, FILE_VARIABLE) {
        return Ok(PathBuf::from(path));
    }
    Ok(Directories::of_account()?.config_file())
}

/// What wins over the file.
fn overriding(flags: &Flags, env: &dyn Fn(&str) -> Option<String>, key: Key) -> Option<Origin> {
    // Rules of all places count.
    if key == Key::ApprovalRules {
        return None;
    }
    if let Some(flag) = key.flag()
        && (flags.text(key).is_some() || (key == Key::Db && flags.db.is_some()))
    {
        return Some(Origin::Flag(flag));
    }
    let variable = key.variable();
    resolve::variable(env, variable).map(|_| Origin::Environment(variable))
}

#[derive(Debug)]
struct Edited {
    text: String,
    was: Option<String>,
}

fn edited(
    file: &Path,
    before: &str,
    profile: &str,
    key: Key,
    text: &str,
) -> Result<Edited, ConfigError> {
    let value = typed(file, profile, key, text)?;
    let mut document: DocumentMut = before.parse().map_err(|_| not_editable(file))?;
    let table = table_of(&mut document, profile).ok_or_else(|| not_editable(file))?;
    let name = key.wire_name();
    let was = match table.get_mut(name) {
        Some(Item::Value(there)) => {
            let was = shown(there);
            let decor = there.decor().clone();
            *there = value;
            *there.decor_mut() = decor;
            Some(was)
        }
        Some(_) => return Err(not_editable(file)),
        None => {
            table.insert(name, Item::Value(value));
            None
        }
    };
    Ok(Edited { text: document.to_string(), was })
}

/// The profile's table, in whatever form it is written.
fn table_of<'a>(document: &'a mut DocumentMut, profile: &str) -> Option<&'a mut dyn TableLike> {
    let empty = |implicit| {
        let mut table = toml_edit::Table::new();
        table.set_implicit(implicit);
        Item::Table(table)
    };
    let profiles = document.entry("profile").or_insert_with(|| empty(true));
    let within = matches!(profiles, Item::Value(_));
    let profiles = profiles.as_table_like_mut()?;
    let own = profiles.entry(profile).or_insert_with(|| {
        if within { Item::Value(toml_edit::InlineTable::new().into()) } else { empty(false) }
    });
    own.as_table_like_mut()
}

/// A value of the type that the key has in the file.
fn typed(file: &Path, profile: &str, key: Key, text: &str) -> Result<Value, ConfigError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse::<i64>().ok().filter(|_| digits);
    match (key.shape(), number) {
        (Shape::Number | Shape::TextOrNumber, Some(number)) => Ok(number.into()),
        (Shape::Text | Shape::TextOrNumber | Shape::Rules, _) => Ok(text.into()),
        (Shape::Number, None) => Err(ConfigError::Value {
            origin: origin(file, profile, key),
            why: format!("{} is not a whole number", value::quoted(text)),
        }),
    }
}

/// Resolves as the next command would, with nothing but the file.
fn check(file: &Path, text: &str, profile: &str, key: Key) -> Result<(), ConfigError> {
    let parsed = ConfigFile::parse(file, text)?;
    let flags = Flags {
        profile: Some(profile.to_owned()),
        // Its default takes a home directory, which this does not.
        db: (key != Key::Db).then(|| PathBuf::from("unused")),
        ..Flags::default()
    };
    Settings::resolve(&flags, &|_| None, Some(&parsed)).map(|_| ())
}

fn origin(file: &Path, profile: &str, key: Key) -> Origin {
    Origin::File { path: file.to_owned(), key: format!("profile.{profile}.{key}") }
}

fn not_editable(file: &Path) -> ConfigError {
    ConfigError::NotEditable(file.to_owned())
}

/// A value without quotes and comments, as it was given.
fn shown(value: &Value) -> String {
    let mut bare = value.clone();
    bare.decor_mut().clear();
    bare.as_str().map_or_else(|| bare.to_string(), ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(before: &str, profile: &str, key: &str, text: &str) -> Result<String, String> {
        let file = Path::new("/etc/journal.toml");
        changed(file, before, profile, key, text).map_err(|error| error.to_string())
    }

    #[test]
    fn comments_order_and_what_others_wrote_stay() {
        let before = "# ours\nmax_entries = 50 # common\n\n[profile.acme] # Acme\n\
                      data_center = \"eu\"   # since May\ndb = \"a.db\"\n\n[profile.beta]\n";
        assert_eq!(
            set(before, "acme", "data_center", "in").unwrap(),
            before.replace("\"eu\"", "\"in\"")
        );
        assert_eq!(
            set(before, "beta", "concurrency", "10").unwrap(),
            format!("{before}concurrency = 10\n")
        );
        assert_eq!(
            set(before, "gamma", "service_user", "4876876000000624002").unwrap(),
            format!("{before}\n[profile.gamma]\nservice_user = 4876876000000624002\n")
        );
        let new = "[profile.default]\nrequire_approval = \"always\"\n";
        assert_eq!(set("", "default", "require_approval", "always").unwrap(), new);
    }

    #[test]
    fn other_ways_of_writing_tables_are_kept() {
        let dotted = "profile.acme.data_center = \"eu\"\n";
        assert!(set(dotted, "acme", "data_center", "in").unwrap().contains("data_center = \"in\""));
        let inline = "profile = { acme = { data_center = \"eu\" } }\n";
        let after = set(inline, "acme", "environment", "sandbox").unwrap();
        assert!(after.contains("environment = \"sandbox\""), "{after}");
        assert!(set(inline, "beta", "environment", "sandbox").unwrap().contains("beta"));
        let quoted = set("[profile.\"a.b\"]\n", "a.b", "data_center", "eu").unwrap();
        assert_eq!(quoted, "[profile.\"a.b\"]\ndata_center = \"eu\"\n");
    }

    #[test]
    fn what_reading_would_refuse_is_not_written() {
        for (key, text, told) in [
            ("data_centre", "eu", "there is no setting data_centre, did you mean data_center?"),
            ("refresh_token", "1000.s3cr3t", "set ZOHO_REFRESH_TOKEN"),
            ("Client-Secret", "1000.s3cr3t", "set ZOHO_CLIENT_SECRET"),
            ("my_password", "s3cr3t", "is a secret"),
            (
                "data_center",
                "mars",
                "profile.default.data_center in /etc/journal.toml: \"mars\" is no",
            ),
            ("concurrency", "many", "\"many\" is not a whole number"),
            ("concurrency", "1000", "is not a whole number from 1 to 64"),
            ("concurrency", "-1", "is not a whole number"),
            ("quarantine", "30", "is no duration"),
            ("api_version", "v1", "crm has no API version v1"),
            ("service_user", "me", "neither Zoho's id"),
            ("db", "~/x.db", "only a shell expands"),
        ] {
            let error = set("", "default", key, text).unwrap_err();
            assert!(error.contains(told), "{error}");
            assert!(!error.contains("s3cr3t"), "{error}");
        }
        let broken = set("token = \"s3cr3t\"", "default", "data_center", "eu").unwrap_err();
        assert!(broken.contains("token is a secret") && !broken.contains("s3cr3t"), "{broken}");
        // The wrong value that is being mended is no obstacle.
        let wrong = "[profile.default]\ndata_center = \"mars\"\n";
        assert!(set(wrong, "default", "data_center", "eu").unwrap().contains("\"eu\""));
    }
}

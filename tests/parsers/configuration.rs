//! Settings files: a line with key and value that are to be set, then the file.

use std::path::Path;

use zoho_journal::config::{ConfigFile, Flags, Settings, changed};

pub fn configuration(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (set, before) = text.split_once('\n').unwrap_or(("", text));
    let path = Path::new("/etc/journal.toml");
    if let Err(error) = ConfigFile::parse(path, before) {
        assert!(!error.to_string().contains(|c: char| c.is_control() && c != '\n'), "{error:?}");
    }
    let flags = Flags { db: Some("j.db".into()), ..Flags::default() };
    if let Ok(file) = ConfigFile::parse(path, before)
        && let Ok(settings) = Settings::resolve(&flags, &|_| None, Some(&file))
    {
        let again = Settings::resolve(&flags, &|_| None, Some(&file)).unwrap();
        assert_eq!(settings.rows(), again.rows());
    }
    let Some((key, value)) = set.split_once('=') else { return };
    let profile = "default";
    let Ok(after) = changed(path, before, profile, key, value) else { return };
    let table: toml::Table = toml::from_str(&after).expect("what was written is TOML");
    let there = &table["profile"][profile][key];
    let there = there.as_str().map_or_else(|| there.to_string(), str::to_owned);
    let number = |text: &str| text.parse::<i64>().ok();
    assert!(
        there == value || (number(value).is_some() && number(&there) == number(value)),
        "{value:?} was set, and {there:?} is read back"
    );
    let again = changed(path, &after, profile, key, value).expect("it is taken again");
    assert_eq!(again, after, "to set it again changes nothing");
    // A comment may be part of a longer text, and go with it.
    if !before.contains("\"\"\"") && !before.contains("'''") {
        let comments =
            |text: &str| text.lines().filter(|line| line.trim_start().starts_with('#')).count();
        assert_eq!(comments(before), comments(&after), "comments stay");
    }
    let file = ConfigFile::parse(path, &after).expect("it can be read");
    for (name, old) in toml::from_str::<toml::Table>(before).unwrap_or_default() {
        if name != "profile" {
            assert_eq!(table.get(&name), Some(&old), "nothing else changes");
        }
    }
    drop(file);
}

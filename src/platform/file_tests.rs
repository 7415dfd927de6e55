use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

fn file(mode: u32) -> (tempfile::TempDir, PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("journal.db");
    fs::write(&path, "contents").unwrap();
    set_mode(&path, mode);
    (place, path)
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Facts of a file of ours, to vary: tests may run as root, who cannot be refused anything.
fn facts(mode: u32) -> Facts {
    Facts {
        is_link: false,
        is_file: true,
        is_directory: false,
        owner: os::effective_uid(),
        group: 0,
        mode,
        links: 1,
    }
}

#[test]
fn permission_bits_decide_by_access_and_sharing() {
    use Access::{Read, Secret, Write};
    use Sharing::{Group, OwnerOnly};
    let accepted = [
        (0o600, Write, OwnerOnly),
        (0o644, Write, OwnerOnly),
        (0o644, Read, OwnerOnly),
        (0o400, Secret, OwnerOnly),
        (0o660, Write, Group),
        (0o660, Secret, Group),
    ];
    for (mode, access, sharing) in accepted {
        let (_place, path) = file(mode);
        check_owner_only(&path, access, sharing).unwrap();
    }
    let refused = [
        (0o620, Write, OwnerOnly),
        (0o602, Write, OwnerOnly),
        (0o660, Read, OwnerOnly),
        (0o666, Read, OwnerOnly),
        (0o662, Write, Group),
        (0o640, Secret, OwnerOnly),
        (0o604, Secret, OwnerOnly),
        (0o664, Secret, Group),
    ];
    for (mode, access, sharing) in refused {
        let (_place, path) = file(mode);
        let problem = check_owner_only(&path, access, sharing).unwrap_err();
        let mended = match sharing {
            OwnerOnly => format!("run `chmod 600 {}`", path.display()),
            Group => format!("run `chmod 660 {}`", path.display()),
        };
        assert!(problem.to_string().ends_with(&mended), "{problem}");
    }
}

#[test]
fn a_link_is_refused_though_its_target_is_fine() {
    let (place, path) = file(0o600);
    let link = place.path().join("link.db");
    symlink(&path, &link).unwrap();
    let problem = check_owner_only(&link, Access::Read, Sharing::OwnerOnly).unwrap_err();
    assert!(matches!(problem, FileProblem::Link(_)));
    let problem = read_secret(&link, Sharing::OwnerOnly, 100).unwrap_err();
    assert!(matches!(problem, FileProblem::Link(_)));
}

#[test]
fn a_second_name_is_refused() {
    let (place, path) = file(0o600);
    fs::hard_link(&path, place.path().join("other")).unwrap();
    let problem = check_owner_only(&path, Access::Read, Sharing::OwnerOnly).unwrap_err();
    assert!(matches!(problem, FileProblem::HardLinks { links: 2, .. }));
}

#[test]
fn what_is_missing_or_no_file_is_told_apart() {
    let place = tempfile::tempdir().unwrap();
    let missing = place.path().join("missing");
    let problem = check_owner_only(&missing, Access::Read, Sharing::OwnerOnly).unwrap_err();
    assert!(problem.is_missing());
    let problem = check_owner_only(place.path(), Access::Read, Sharing::OwnerOnly).unwrap_err();
    assert!(matches!(problem, FileProblem::NotAFile(_)));
}

#[test]
fn a_foreign_owner_is_tolerated_only_to_read_or_within_a_group() {
    let path = Path::new("journal.db");
    let foreign = Facts { owner: os::effective_uid() + 1, ..facts(0o600) };
    let verdict = |access, sharing| judge(path, &foreign, access, sharing);
    assert!(verdict(Access::Read, Sharing::OwnerOnly).is_ok());
    assert!(verdict(Access::Write, Sharing::Group).is_ok());
    for access in [Access::Write, Access::Secret] {
        let problem = verdict(access, Sharing::OwnerOnly).unwrap_err();
        assert!(matches!(problem, FileProblem::ForeignOwner { .. }));
    }
}

#[test]
fn a_directory_that_others_can_write_is_refused_unless_sticky() {
    let place = tempfile::tempdir().unwrap();
    let verdict = |mode, sharing| {
        set_mode(place.path(), mode);
        check_directory(place.path(), sharing)
    };
    for mode in [0o700, 0o755, 0o1777] {
        verdict(mode, Sharing::OwnerOnly).unwrap();
    }
    for mode in [0o770, 0o777, 0o702] {
        let problem = verdict(mode, Sharing::OwnerOnly).unwrap_err();
        assert!(problem.to_string().contains("chmod go-w "), "{problem}");
    }
    verdict(0o2770, Sharing::Group).unwrap();
    assert!(verdict(0o2777, Sharing::Group).is_err());
}

#[test]
fn a_journal_is_a_groups_only_when_file_and_directory_agree() {
    let (place, path) = file(0o660);
    let seen = |directory, mode| {
        set_mode(place.path(), directory);
        set_mode(&path, mode);
        Sharing::seen_at(&path).unwrap()
    };
    assert_eq!(seen(0o2770, 0o660), Sharing::Group);
    assert_eq!(seen(0o700, 0o660), Sharing::OwnerOnly);
    assert_eq!(seen(0o2770, 0o600), Sharing::OwnerOnly);
}

#[test]
fn a_secret_is_read_only_while_nobody_else_can() {
    let (_place, path) = file(0o600);
    assert_eq!(read_secret(&path, Sharing::OwnerOnly, 8).unwrap(), b"contents");
    let problem = read_secret(&path, Sharing::OwnerOnly, 7).unwrap_err();
    assert!(matches!(problem, FileProblem::TooLarge { limit: 7, .. }));
    set_mode(&path, 0o640);
    let problem = read_secret(&path, Sharing::OwnerOnly, 8).unwrap_err();
    assert!(matches!(problem, FileProblem::Readable { .. }));
}

#[test]
fn a_configuration_may_be_a_link_but_not_open_to_changes() {
    let (place, path) = file(0o644);
    let link = place.path().join("config.toml");
    symlink(&path, &link).unwrap();
    assert_eq!(read_configuration(&link, 100).unwrap(), b"contents");
    set_mode(&path, 0o664);
    let problem = read_configuration(&link, 100).unwrap_err();
    assert!(matches!(problem, FileProblem::Writable { .. }));
    assert!(read_configuration(&place.path().join("none"), 9).unwrap_err().is_missing());
}

#[test]
fn paths_in_commands_are_quoted_for_a_shell() {
    let quoted = |text: &str| shell_quoted(Path::new(text));
    assert_eq!(quoted("/data/acme.db"), "/data/acme.db");
    assert_eq!(quoted("/my data/x.db"), "'/my data/x.db'");
    assert_eq!(quoted("a'; rm -rf ~"), r"'a'\''; rm -rf ~'");
    assert_eq!(quoted("-rf"), "./-rf");
    assert_eq!(quoted(""), "''");
}

//! From one traced run to all places where it can be struck, and an even sample of them.

use std::collections::BTreeMap;

use crate::strace::{About, Blow, Call, Point};

/// The calls that are struck, each with the errors that it is made to fail with.
///
/// Calls that only wait, or only ask for memory, are left out: nothing is decided there.
const STRUCK: &[(&str, &[&str])] = &[
    ("openat", &["EIO", "ENOSPC"]),
    ("read", &["EIO"]),
    ("pread64", &["EIO"]),
    ("write", &["EIO", "ENOSPC"]),
    ("pwrite64", &["EIO", "ENOSPC"]),
    ("fsync", &["EIO", "ENOSPC"]),
    ("fdatasync", &["EIO", "ENOSPC"]),
    ("ftruncate", &["EIO", "ENOSPC"]),
    ("fallocate", &["EIO", "ENOSPC"]),
    ("copy_file_range", &["EIO", "ENOSPC"]),
    ("rename", &["EIO", "ENOSPC"]),
    ("renameat", &["EIO", "ENOSPC"]),
    ("renameat2", &["EIO", "ENOSPC"]),
    ("link", &["EIO", "ENOSPC"]),
    ("linkat", &["EIO", "ENOSPC"]),
    ("unlink", &["EIO"]),
    ("unlinkat", &["EIO"]),
    ("mkdir", &["EIO", "ENOSPC"]),
    ("mkdirat", &["EIO", "ENOSPC"]),
    ("chmod", &["EIO"]),
    ("fchmod", &["EIO"]),
    ("fchmodat", &["EIO"]),
    ("statx", &["EIO"]),
    ("newfstatat", &["EIO"]),
    ("fcntl", &["EIO"]),
    ("flock", &["EIO"]),
    ("mmap", &["EIO"]),
    ("close", &["EIO"]),
    ("connect", &["EIO"]),
    ("sendto", &["EIO"]),
    ("sendmsg", &["EIO"]),
    ("writev", &["EIO"]),
    ("recvfrom", &["EIO"]),
    ("shutdown", &["EIO"]),
];

/// The names of the calls that are struck.
pub fn struck_calls() -> Vec<&'static str> {
    STRUCK.iter().map(|(name, _)| *name).collect()
}

/// Calls that only files and connections have: without a file to find them by, they can be made to fail all the same.
/// Any other could be the loader's, a terminal's, or a runtime's talk to itself.
const OF_FILES: [&str; 18] = [
    "fsync",
    "fdatasync",
    "ftruncate",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "unlink",
    "unlinkat",
    "mkdir",
    "chmod",
    "fchmod",
    "connect",
    "sendto",
    "sendmsg",
    "recvfrom",
    "shutdown",
];

/// Every place of a traced run: each call on a file below `dir` or on a connection, with each blow.
///
/// `strace` counts within a thread, and only what passes its filter. A call on a file is found by that file, so that
/// neither other threads nor the loader move its number; a connection has no name to find it by, nor has a file whose
/// name is made up anew each time (`is_fixed` knows), so all calls of the name count there.
pub fn of_run(calls: &[Call], dir: &str, is_fixed: impl Fn(&str) -> bool) -> Vec<Point> {
    let mut on_file: BTreeMap<(u32, &str, &str), u32> = BTreeMap::new();
    let mut of_thread: BTreeMap<(u32, &str), u32> = BTreeMap::new();
    let mut places: BTreeMap<(&str, Option<&str>, u32), bool> = BTreeMap::new();
    for call in calls {
        let count = of_thread.entry((call.thread, &call.name)).or_default();
        *count += 1;
        let file = match &call.about {
            About::Path(path) => {
                match path.strip_prefix(dir).map(|rest| rest.trim_start_matches('/')) {
                    Some(file) if !file.is_empty() => file,
                    Some(_) | None => continue,
                }
            }
            About::Socket => "",
            About::Other => continue,
        };
        let place = if is_fixed(file) {
            let count = on_file.entry((call.thread, &call.name, file)).or_default();
            *count += 1;
            (&*call.name, Some(file), *count)
        } else {
            (&*call.name, None, *count)
        };
        // A lock that is given back cannot fail on any file system that journals are allowed on; the process would
        // hold it against itself.
        let fails = !call.unlocks && (place.1.is_some() || OF_FILES.contains(&place.0));
        *places.entry(place).or_insert(true) &= fails;
    }
    places.into_iter().flat_map(|(place, fails)| with_blows(place, fails)).collect()
}

fn with_blows((call, on, when): (&str, Option<&str>, u32), fails: bool) -> Vec<Point> {
    let errors =
        STRUCK.iter().find(|(name, _)| *name == call).map_or(&[][..], |(_, errors)| errors);
    let errors = if fails { errors } else { &[] };
    let once = errors.iter().map(|error| Blow::Once(error));
    // All later locks would be among them, and those that are given back.
    let for_ever = errors.iter().filter(|_| call != "fcntl").map(|error| Blow::ForEver(error));
    std::iter::once(Blow::Kill)
        .chain(once)
        .chain(for_ever)
        .map(|blow| Point { call: call.to_owned(), on: on.map(str::to_owned), when, blow })
        .collect()
}

/// At most `wanted` of these, evenly spread, beginning at a place that follows from the seed.
pub fn sample<T: Clone>(all: &[T], wanted: usize, dice: &mut fastrand::Rng) -> Vec<T> {
    if wanted >= all.len() {
        return all.to_vec();
    }
    if wanted == 0 {
        return Vec::new();
    }
    let start = dice.usize(0..all.len());
    (0..wanted)
        .filter_map(|number| all.get((start + number * all.len() / wanted) % all.len()))
        .cloned()
        .collect()
}

/// At most `wanted` of these points, each call by name with about the same share: locks are taken far more often than
/// files are synced.
pub fn sample_by_call(all: &[Point], wanted: usize, dice: &mut fastrand::Rng) -> Vec<Point> {
    let mut groups: BTreeMap<&str, Vec<Point>> = BTreeMap::new();
    for point in all {
        groups.entry(&point.call).or_default().push(point.clone());
    }
    // The small ones first, so that what they leave goes to the others.
    let mut groups: Vec<Vec<Point>> = groups.into_values().collect();
    groups.sort_by_key(Vec::len);
    let mut chosen = Vec::new();
    let mut left = wanted;
    for (number, group) in groups.iter().enumerate() {
        let share = left.div_ceil(groups.len() - number);
        let taken = sample(group, share, dice);
        left = left.saturating_sub(taken.len());
        chosen.extend(taken);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(thread: u32, name: &str, path: &str) -> Call {
        about(thread, name, About::Path(path.to_owned()))
    }

    fn about(thread: u32, name: &str, about: About) -> Call {
        Call { thread, name: name.to_owned(), about, unlocks: false }
    }

    fn is_fixed(file: &str) -> bool {
        file.starts_with("journal")
    }

    #[test]
    fn calls_on_our_files_are_counted_by_file_and_others_are_left_out() {
        let calls = [
            on(1, "openat", "/lib/libc.so.6"),
            on(1, "openat", "/j/journal.db"),
            on(2, "openat", "/j/journal.db"),
            on(2, "openat", "/j/journal.db"),
            on(1, "write", "/j/.anchor.12ab.tmp"),
            on(1, "unlink", "/j/.anchor.12ab.tmp"),
            about(1, "recvfrom", About::Socket),
            Call { unlocks: true, ..on(1, "fcntl", "/j/journal.db-shm") },
            on(1, "fcntl", "/j/journal.db-shm"),
        ];
        let points = of_run(&calls, "/j", is_fixed);
        let shown = |kills: bool| -> Vec<String> {
            let wanted = points.iter().filter(|point| (point.blow == Blow::Kill) == kills);
            wanted.map(ToString::to_string).collect()
        };
        assert_eq!(
            shown(true),
            [
                "fcntl@journal.db-shm:1:KILL",
                "fcntl@journal.db-shm:2:KILL",
                "openat@journal.db:1:KILL",
                "openat@journal.db:2:KILL",
                "recvfrom:1:KILL",
                "unlink:1:KILL",
                "write:1:KILL",
            ]
        );
        assert_eq!(
            shown(false),
            [
                "fcntl@journal.db-shm:2:EIO",
                "openat@journal.db:1:EIO",
                "openat@journal.db:1:ENOSPC",
                "openat@journal.db:1:EIO+",
                "openat@journal.db:1:ENOSPC+",
                "openat@journal.db:2:EIO",
                "openat@journal.db:2:ENOSPC",
                "openat@journal.db:2:EIO+",
                "openat@journal.db:2:ENOSPC+",
                "recvfrom:1:EIO",
                "recvfrom:1:EIO+",
                "unlink:1:EIO",
                "unlink:1:EIO+",
            ]
        );
    }

    #[test]
    fn a_sample_is_even_and_follows_from_the_seed() {
        let all: Vec<usize> = (0..100).collect();
        let one = sample(&all, 10, &mut fastrand::Rng::with_seed(7));
        assert_eq!(one, sample(&all, 10, &mut fastrand::Rng::with_seed(7)));
        let mut sorted = one.clone();
        sorted.sort_unstable();
        assert!(sorted.windows(2).all(|pair| pair[1] - pair[0] == 10), "{one:?}");
        assert_eq!(sample(&all, 200, &mut fastrand::Rng::with_seed(7)).len(), 100);
        assert!(sample(&all, 0, &mut fastrand::Rng::with_seed(7)).is_empty());
    }

    #[test]
    fn rare_calls_have_their_share_of_a_sample() {
        let rename = on(1, "rename", "/j/journal.db.anchor");
        let calls: Vec<Call> =
            std::iter::repeat_n(on(1, "read", "/j/journal.db"), 50).chain([rename]).collect();
        let chosen =
            sample_by_call(&of_run(&calls, "/j", is_fixed), 20, &mut fastrand::Rng::with_seed(1));
        let renames = chosen.iter().filter(|point| point.call == "rename").count();
        assert_eq!((chosen.len(), renames), (20, 5));
    }
}

//! What no compiler checks: which part may name which, that the documents tell the truth about the code,
//! that nothing was forgotten. Each rule is shown to be able to fail.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub,
    missing_debug_implementations,
    reason = "tests"
)]

#[path = "tidy/migrations.rs"]
mod migrations;
#[path = "tidy/source.rs"]
mod source;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use zoho_journal::domain::state::{Change, EntryState};

use crate::source::{Source, files, in_package, names, slashes, sources};

/// Lines of a file, without the unit tests within it.
const LINES_MAX: usize = 600;

const DOCUMENTS: [&str; 4] = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"];

/// Fails with all findings at once.
fn none(findings: &[String]) {
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

// Arrows. ------------------------------------------------------------------------------------------

/// Words that product code in some places must not hold.
struct Arrow {
    /// Folders or files in which the rule holds.
    within: &'static [&'static str],
    /// Folders or files below them in which it does not.
    except: &'static [&'static str],
    words: &'static [&'static str],
    why: &'static str,
}

const ARROWS: &[Arrow] = &[
    Arrow {
        within: &["src/domain/"],
        except: &[],
        words: &[
            "rusqlite",
            "refinery",
            "reqwest",
            "rustls",
            "tokio",
            "axum",
            "clap",
            "nix",
            "csv",
            "crate::cli",
            "crate::clock",
            "crate::config",
            "crate::evidence",
            "crate::export",
            "crate::intake",
            "crate::platform",
            "crate::reconcile",
            "crate::simulator",
            "crate::store",
            "crate::zoho",
            "std::env",
            "std::fs",
            "std::io",
            "std::net",
            "std::os",
            "std::process",
            "std::thread",
            "std::{",
            "SystemTime",
            "Instant",
            "Utc::now",
        ],
        why: "the domain is rules only: no input, no output, no clock",
    },
    Arrow {
        within: &["src/"],
        except: &["src/store/"],
        words: &["rusqlite", "refinery", "PreparedBatch::committed"],
        why: "only the store speaks to SQLite, and only it makes a batch that can be sent",
    },
    Arrow {
        within: &["src/"],
        except: &["src/zoho/"],
        words: &["reqwest"],
        why: "only the Zoho edge speaks HTTP to Zoho",
    },
    Arrow {
        within: &["src/store/"],
        except: &[],
        words: &[
            "crate::cli",
            "crate::evidence",
            "crate::export",
            "crate::intake",
            "crate::reconcile",
            "crate::simulator",
            "crate::zoho",
        ],
        why: "the store knows the domain and nothing above it",
    },
    Arrow {
        within: &["src/zoho/"],
        except: &[],
        words: &[
            "crate::cli",
            "crate::evidence",
            "crate::export",
            "crate::intake",
            "crate::reconcile",
            "crate::simulator",
            "crate::store",
        ],
        why: "the Zoho edge knows the domain and the clock, and never the store",
    },
    Arrow {
        within: &["src/auth/"],
        except: &[],
        words: &[
            "crate::cli",
            "crate::evidence",
            "crate::export",
            "crate::intake",
            "crate::reconcile",
            "crate::simulator",
            "crate::store",
        ],
        why: "signing in knows the Zoho edge, settings and files, and never the journal",
    },
    Arrow {
        within: &[
            "src/domain/",
            "src/store/",
            "src/zoho/",
            "src/reconcile/",
            "src/evidence/",
            "src/export/",
            "src/intake/",
            "src/config/",
            "src/platform/",
            "src/simulator/",
        ],
        except: &[],
        words: &["crate::auth"],
        why: "only the command line knows who signs in; the others take what TokenSource gives",
    },
    Arrow {
        within: &["src/config/", "src/evidence/", "src/export/", "src/intake/", "src/platform/"],
        except: &[],
        words: &["crate::cli", "crate::reconcile", "crate::simulator", "crate::zoho"],
        why: "what reads, writes and checks files never reaches for the network or the command line",
    },
    Arrow {
        within: &["src/reconcile/", "src/clock.rs", "src/simulator/"],
        except: &[],
        words: &["crate::cli"],
        why: "the library does not know the command line",
    },
    Arrow {
        within: &["src/cli/doctor/"],
        except: &[],
        words: &["Keeper", "OsLock", "Store", "WriteTx", "submit"],
        why: "the doctor looks: it writes neither to the journal nor to Zoho",
    },
    Arrow {
        within: &["src/"],
        except: &["src/cli/"],
        words: &["println!", "print!", "eprintln!", "eprint!", "dbg!"],
        why: "the library does not print; the command line does, through its one output",
    },
    Arrow {
        within: &["src/"],
        except: &[],
        words: &["crate::{"],
        why: "one `use` a path, so that this test sees what is named",
    },
];

fn holds_in(arrow: &Arrow, path: &str) -> bool {
    let any = |places: &[&str]| places.iter().any(|place| path.starts_with(place));
    any(arrow.within) && !any(arrow.except)
}

fn against_arrows(source: &Source) -> Vec<String> {
    let mut findings = Vec::new();
    for arrow in ARROWS.iter().filter(|arrow| holds_in(arrow, &source.path)) {
        for (line, code) in source.product_lines() {
            for word in arrow.words.iter().filter(|word| names(code, word)) {
                let (path, why) = (&source.path, arrow.why);
                findings.push(format!("{path}:{line}: names {word}: {why}"));
            }
        }
    }
    findings
}

/// `super::super` up to the root of the crate would name anything without saying so.
fn climbs_out(source: &Source) -> Vec<String> {
    let module = source.path.trim_start_matches("src/").trim_end_matches(".rs");
    let depth = module.trim_end_matches("/mod").split('/').count();
    let chain = vec!["super"; depth].join("::");
    source
        .product_lines()
        .filter(|(_, code)| names(code, &chain))
        .map(|(line, _)| {
            format!("{}:{line}: {chain} is the whole crate: name the path", source.path)
        })
        .collect()
}

/// The simulator shares nothing with what it tests, not even in its own tests.
fn leaves_simulator(source: &Source) -> Vec<String> {
    let inside = source.path.starts_with("src/simulator/");
    let leaves = |code: &str| {
        code.match_indices("crate::").any(|(at, _)| !code[at..].starts_with("crate::simulator"))
    };
    (1..)
        .zip(source.code.lines())
        .filter(|(_, code)| inside && leaves(code))
        .map(|(line, _)| format!("{}:{line}: the simulator names other code of ours", source.path))
        .collect()
}

/// SQL anywhere but in the store.
fn speaks_sql(source: &Source) -> Vec<String> {
    const SQL: [&str; 7] = [
        "SELECT ",
        "INSERT INTO ",
        "DELETE FROM ",
        "CREATE TABLE ",
        "PRAGMA ",
        "BEGIN IMMEDIATE",
        "UPDATE OR ",
    ];
    let outside = !source.path.starts_with("src/store/");
    let is_sql = |text: &str| {
        SQL.iter().any(|word| text.contains(word))
            || (text.contains("UPDATE ") && text.contains(" SET "))
    };
    source
        .product_strings()
        .filter(|(_, text)| outside && is_sql(text))
        .map(|(line, _)| format!("{}:{line}: SQL outside of the store", source.path))
        .collect()
}

#[test]
fn no_part_names_what_it_must_not_know() {
    let mut findings = Vec::new();
    for source in sources("src") {
        findings.extend(against_arrows(&source));
        findings.extend(climbs_out(&source));
        findings.extend(leaves_simulator(&source));
        findings.extend(speaks_sql(&source));
    }
    none(&findings);
}

#[test]
fn each_arrow_can_fail() {
    for arrow in ARROWS {
        for word in arrow.words {
            let path = format!("{}x.rs", arrow.within[0]);
            let bad = Source::parse(&path, &format!("use {word};\n"));
            let found = against_arrows(&bad);
            assert!(found.iter().any(|one| one.contains(arrow.why)), "{path}: {word}");
            let harmless = format!("// {word}\nlet x = \"{word}\";\n#[cfg(test)]\nuse {word};\n");
            assert_eq!(against_arrows(&Source::parse(&path, &harmless)), [""; 0], "{word}");
        }
        for place in arrow.except {
            assert!(!holds_in(arrow, &format!("{place}x.rs")));
        }
    }
}

#[test]
fn the_other_ways_around_an_arrow_are_seen() {
    let parse = Source::parse;
    assert_eq!(climbs_out(&parse("src/domain/x.rs", "use super::super::store;")).len(), 1);
    assert_eq!(climbs_out(&parse("src/domain/mod.rs", "use super::store;")).len(), 1);
    assert_eq!(climbs_out(&parse("src/domain/x.rs", "use super::id;")).len(), 0);
    assert_eq!(climbs_out(&parse("src/a/b/c.rs", "use super::super::id;")).len(), 0);
    let simulator = "src/simulator/x.rs";
    assert_eq!(leaves_simulator(&parse(simulator, "use crate::zoho::wire;")).len(), 1);
    assert_eq!(leaves_simulator(&parse(simulator, "use crate::simulator::wire;")).len(), 0);
    for sql in ["SELECT 1", "UPDATE entry SET state = 3", "PRAGMA synchronous = OFF"] {
        let text = format!("f(\"{sql}\");\n");
        assert_eq!(speaks_sql(&parse("src/export/x.rs", &text)).len(), 1, "{sql}");
        assert_eq!(speaks_sql(&parse("src/store/x.rs", &text)).len(), 0, "{sql}");
    }
    assert_eq!(speaks_sql(&parse("src/zoho/x.rs", "f(\"DELETE /crm/v8/Leads\");")).len(), 0);
}

// The diagram. -------------------------------------------------------------------------------------

/// An edge of the diagram, with what it is labelled by.
type Edges = BTreeSet<(String, String, String)>;

/// A change as the diagram writes it.
fn label(change: Change) -> String {
    match change {
        Change::Claimed => "claimed".to_owned(),
        Change::NeverThere => "never there".to_owned(),
        Change::Answered(outcome) => format!("answered {outcome}"),
        Change::Evidence(verdict) => format!("evidence {verdict}"),
        Change::Reopened => "reopened".to_owned(),
        Change::SettledByPerson(verdict) => format!("person {verdict}"),
        Change::Approved => "approved".to_owned(),
        Change::Expired => "expired".to_owned(),
        Change::Held => "held".to_owned(),
        Change::Released => "released".to_owned(),
        Change::ReleasedUnapproved => "released unapproved".to_owned(),
        Change::Cancelled => "cancelled".to_owned(),
        Change::Adopted => "adopted".to_owned(),
    }
}

/// What the code allows: every transition, how an entry begins, where nothing more happens.
fn edges_of_code() -> Edges {
    let mut edges = Edges::new();
    let mut add = |from: &str, to: &str, label: &str| {
        edges.insert((from.to_owned(), to.to_owned(), label.to_owned()));
    };
    for from in EntryState::ALL {
        for change in Change::ALL {
            if let Ok(to) = from.next(*change) {
                add(from.wire_name(), to.wire_name(), &label(*change));
            }
        }
        if from.is_settled() {
            add(from.wire_name(), "[*]", "");
        }
    }
    add("[*]", EntryState::Pending.wire_name(), "recorded");
    add("[*]", EntryState::AwaitingApproval.wire_name(), "recorded");
    edges
}

/// The edges of the first state diagram of a document; labels are separated by commas.
fn edges_of_document(text: &str) -> Result<Edges, String> {
    let diagram = text
        .split("```mermaid\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .find(|diagram| diagram.trim_start().starts_with("stateDiagram-v2"))
        .ok_or("no state diagram")?;
    let mut edges = Edges::new();
    for line in diagram.lines().map(str::trim).filter(|line| line.contains("-->")) {
        let (states, labels) = line.split_once(':').unwrap_or((line, ""));
        let (from, to) = states.split_once("-->").ok_or(line)?;
        for label in labels.split(',') {
            let edge = (from.trim().to_owned(), to.trim().to_owned(), label.trim().to_owned());
            if !edges.insert(edge) {
                return Err(format!("twice: {line}"));
            }
        }
    }
    Ok(edges)
}

fn differences(code: &Edges, document: &Edges) -> Vec<String> {
    let show = |edge: &(String, String, String), what: &str| {
        format!("{} --> {}: {}: {what}", edge.0, edge.1, edge.2)
    };
    let missing = code.difference(document).map(|edge| show(edge, "not in the diagram"));
    let invented = document.difference(code).map(|edge| show(edge, "not in the code"));
    missing.chain(invented).collect()
}

#[test]
fn the_diagram_shows_exactly_the_transitions_that_there_are() {
    let document = fs::read_to_string(in_package("ARCHITECTURE.md")).unwrap();
    none(&differences(&edges_of_code(), &edges_of_document(&document).unwrap()));
}

#[test]
fn a_diagram_that_leaves_out_adds_or_renames_an_edge_is_found() {
    let code = edges_of_code();
    let mut text = "```mermaid\nstateDiagram-v2\n".to_owned();
    for (from, to, label) in &code {
        writeln!(text, "    {from} --> {to}: {label}").unwrap();
    }
    let whole = format!("{text}```\n");
    assert_eq!(differences(&code, &edges_of_document(&whole).unwrap()), [""; 0]);
    let without = whole.replace("    pending --> in_flight: claimed\n", "");
    assert_eq!(differences(&code, &edges_of_document(&without).unwrap()).len(), 1);
    let more = format!("{text}    done --> pending: reopened\n```\n");
    assert_eq!(differences(&code, &edges_of_document(&more).unwrap()).len(), 1);
    let renamed = whole.replace("in_flight: claimed", "in_flight: sent");
    assert_eq!(differences(&code, &edges_of_document(&renamed).unwrap()).len(), 2);
    let twice = format!("{text}    pending --> in_flight: claimed\n```\n");
    assert!(edges_of_document(&twice).is_err() && edges_of_document("no diagram").is_err());
}

// Files. -------------------------------------------------------------------------------------------

fn all_sources() -> Vec<Source> {
    ["src", "tests", "benches"].into_iter().flat_map(sources).collect()
}

fn too_long_or_without_purpose(source: &Source) -> Vec<String> {
    let (path, lines) = (&source.path, source.length());
    let long = (lines > LINES_MAX).then(|| {
        format!(
            "{path}: {lines} lines without its tests, {LINES_MAX} are allowed: it holds two ideas"
        )
    });
    // A file of unit tests belongs to the one that declares it, which says what it is for.
    let first = source.text.lines().next();
    let says = source.is_test || first.is_some_and(|line| line.starts_with("//! "));
    let silent =
        (!says).then(|| format!("{path}: its first line does not say what it is for (//!)"));
    long.into_iter().chain(silent).collect()
}

#[test]
fn no_file_is_too_long_and_each_says_what_it_is_for() {
    let findings: Vec<String> =
        all_sources().iter().flat_map(too_long_or_without_purpose).collect();
    none(&findings);
    let lines = |count: usize| format!("//! x\n{}", "a();\n".repeat(count - 1));
    let check = |text: &str| too_long_or_without_purpose(&Source::parse("src/x.rs", text)).len();
    assert_eq!((check(&lines(LINES_MAX)), check(&lines(LINES_MAX + 1))), (0, 1));
    let tests = format!("{}#[cfg(test)]\nmod tests {{\n    b();\n}}\n", lines(LINES_MAX));
    assert_eq!((check(&tests), check("use x;\n"), check("")), (0, 1, 1));
}

/// Files that no other file declares: the compiler never sees them.
fn forgotten_files(root: &str, sources: &[Source]) -> Vec<String> {
    let declares = |by: &Source, path: &str| {
        let (by_path, file) = (Path::new(&by.path), Path::new(path));
        let (stem, folder) = (file.file_stem().unwrap().to_str().unwrap(), file.parent().unwrap());
        let by_folder = by_path.parent().unwrap();
        let by_stem = by_path.file_stem().unwrap().to_str().unwrap();
        let (stem, folder) = if stem == "mod" {
            (folder.file_name().unwrap().to_str().unwrap(), folder.parent().unwrap())
        } else {
            (stem, folder)
        };
        let is_parent = if by.path == root || by_stem == "mod" {
            by_folder == folder
        } else {
            by_folder.join(by_stem) == folder
        };
        let in_words = format!("mod {stem};");
        let by_name = is_parent && by.code.lines().any(|line| names(line, &in_words));
        let by_path = by.strings.iter().any(|(_, text)| slashes(&by_folder.join(text)) == path);
        by_name || (by_path && by.code.contains("#[path = "))
    };
    sources
        .iter()
        .filter(|source| source.path != root)
        .filter(|source| !sources.iter().any(|by| declares(by, &source.path)))
        .map(|source| format!("{}: no file declares it", source.path))
        .collect()
}

#[test]
fn no_file_is_forgotten() {
    let library: Vec<Source> =
        sources("src").into_iter().filter(|one| one.path != "src/main.rs").collect();
    none(&forgotten_files("src/lib.rs", &library));
    none(&forgotten_files("tests/it/main.rs", &sources("tests/it")));
}

#[test]
fn a_forgotten_file_is_found() {
    let parse = Source::parse;
    let tree = || {
        vec![
            parse("t/main.rs", "mod a;\nmod b;\n// mod c;\n"),
            parse("t/a.rs", "#[path = \"a_tests.rs\"]\nmod tests;\nmod deep;\n"),
            parse("t/a_tests.rs", ""),
            parse("t/a/deep.rs", ""),
            parse("t/b/mod.rs", "mod e;\n"),
            parse("t/b/e.rs", ""),
        ]
    };
    assert_eq!(forgotten_files("t/main.rs", &tree()), [""; 0]);
    for path in ["t/c.rs", "t/deep.rs", "t/b/f.rs", "t/b_tests.rs"] {
        let mut with = tree();
        with.push(parse(path, ""));
        assert_eq!(forgotten_files("t/main.rs", &with), [format!("{path}: no file declares it")]);
    }
}

// Migrations. --------------------------------------------------------------------------------------

// Forgotten words. ---------------------------------------------------------------------------------

/// Words that say that something is not finished.
const UNFINISHED: [&str; 3] = ["TODO", "FIXME", "XXX"];

fn unfinished_text(path: &str, text: &str) -> Vec<String> {
    let word = |line: &str| UNFINISHED.into_iter().find(|word| names(line, word));
    (1..)
        .zip(text.lines())
        .filter_map(|(number, line)| Some(format!("{path}:{number}: {}", word(line)?)))
        .collect()
}

/// Macros count in code only: a `compile_fail` example may hold one.
fn unfinished_code(source: &Source) -> Vec<String> {
    let lines = (1..).zip(source.code.lines());
    lines
        .filter(|(_, code)| names(code, "todo!") || names(code, "unimplemented!"))
        .map(|(line, _)| format!("{}:{line}: not written yet", source.path))
        .collect()
}

#[test]
fn nothing_is_left_for_later() {
    let mut findings = Vec::new();
    for source in sources("src") {
        findings.extend(unfinished_text(&source.path, &source.text));
        findings.extend(unfinished_code(&source));
    }
    let texts = files("docs", "md").into_iter().chain(files("migrations", "sql"));
    for path in texts.chain(DOCUMENTS.map(str::to_owned)) {
        let text = fs::read_to_string(in_package(&path)).unwrap();
        findings.extend(unfinished_text(&path, &text));
    }
    none(&findings);
}

#[test]
fn a_word_left_for_later_is_found() {
    for bad in ["// TODO: x", "FIXME", "let x = \"XXX\";"] {
        assert_eq!(unfinished_text("x", bad).len(), 1, "{bad}");
    }
    assert_eq!(unfinished_text("x", "XXXL, method"), [""; 0]);
    for bad in ["todo!()", "unimplemented!(\"x\")"] {
        assert_eq!(unfinished_code(&Source::parse("x", bad)).len(), 1, "{bad}");
    }
    assert_eq!(unfinished_code(&Source::parse("x", "/// todo!()\nlet x = \"todo!()\";")), [""; 0]);
}

// Documents. ---------------------------------------------------------------------------------------

/// Links to files of the package that are not there.
fn broken_links(path: &str, text: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let folder = Path::new(path).parent().unwrap();
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', '#']).next())
        .filter(|link| !link.is_empty() && !link.contains("://"))
        .map(|link| slashes(&folder.join(link)))
        .filter(|link| !exists(link))
        .map(|link| format!("{path}: links to {link}, which is not there"))
        .collect()
}

#[test]
fn documents_link_to_files_that_exist() {
    let exists = |link: &str| in_package(link).exists();
    let mut findings = Vec::new();
    for path in files("docs", "md").into_iter().chain(DOCUMENTS.map(str::to_owned)) {
        let text = fs::read_to_string(in_package(&path)).unwrap();
        findings.extend(broken_links(&path, &text, exists));
    }
    none(&findings);
    let text = "[a](b.md#c) [d](https://e) [f](../g.md) [h](#i)";
    assert_eq!(broken_links("docs/x.md", text, |link| link == "docs/b.md").len(), 1);
}

#[test]
fn the_architecture_can_be_read_in_one_go() {
    let text = fs::read_to_string(in_package("ARCHITECTURE.md")).unwrap();
    assert!(text.lines().count() <= 200, "ARCHITECTURE.md: {} lines", text.lines().count());
}

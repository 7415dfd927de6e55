//! Rust source taken apart into code, comments and string literals, without its unit tests.

use std::fs;
use std::path::{Path, PathBuf};

/// A source file.
pub struct Source {
    /// Its path below the package, with forward slashes.
    pub path: String,
    /// Its text.
    pub text: String,
    /// The text with comments and the contents of literals blanked; line breaks stay.
    pub code: String,
    /// Comments with the line each begins on, from 1.
    pub comments: Vec<(usize, String)>,
    /// String literals with the line each begins on, from 1.
    pub strings: Vec<(usize, String)>,
    /// Whether the whole file is compiled for tests only.
    pub is_test: bool,
    /// First and last line of each part that is compiled for tests only.
    test_lines: Vec<(usize, usize)>,
}

impl Source {
    /// Takes a file apart.
    pub fn parse(path: &str, text: &str) -> Self {
        let mut lexer = Lexer::new(text);
        lexer.run();
        let Lexer { code, comments, strings, .. } = lexer;
        let test_lines = test_lines(&code);
        let (path, text) = (path.to_owned(), text.to_owned());
        Self { path, text, code, comments, strings, is_test: false, test_lines }
    }

    fn is_test_line(&self, line: usize) -> bool {
        self.is_test || self.test_lines.iter().any(|(first, last)| (*first..=*last).contains(&line))
    }

    /// Lines of product code with their numbers: neither comments nor literals nor tests.
    pub fn product_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.code.lines()).filter(|(line, _)| !self.is_test_line(*line))
    }

    /// String literals of product code.
    pub fn product_strings(&self) -> impl Iterator<Item = &(usize, String)> {
        self.strings.iter().filter(|(line, _)| !self.is_test_line(*line))
    }

    /// Lines of the file without the tests within it.
    pub fn length(&self) -> usize {
        let tests: usize = self.test_lines.iter().map(|(first, last)| last - first + 1).sum();
        self.text.lines().count() - tests
    }

    /// Files that this one declares for tests only, as paths without `.rs`.
    fn test_modules(&self) -> Vec<String> {
        let path = Path::new(&self.path);
        let directory = path.parent().unwrap();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let below = if matches!(stem, "mod" | "lib" | "main") {
            directory.to_owned()
        } else {
            directory.join(stem)
        };
        let lines: Vec<&str> = self.code.lines().collect();
        let mut modules = Vec::new();
        for (first, last) in &self.test_lines {
            let Some(name) = lines[last - 1].strip_prefix("mod ").and_then(|l| l.strip_suffix(';'))
            else {
                continue;
            };
            let named = self.strings.iter().find(|(line, _)| (*first..=*last).contains(line));
            let module = match named {
                Some((_, file)) => directory.join(file.trim_end_matches(".rs")),
                None => below.join(name),
            };
            modules.push(slashes(&module));
        }
        modules
    }
}

/// Every Rust file below a folder of the package, those marked that exist for tests only.
pub fn sources(folder: &str) -> Vec<Source> {
    let mut sources: Vec<Source> = files(folder, "rs")
        .into_iter()
        .map(|path| Source::parse(&path, &fs::read_to_string(in_package(&path)).unwrap()))
        .collect();
    let tests: Vec<String> = sources.iter().flat_map(Source::test_modules).collect();
    for source in &mut sources {
        let module = source.path.trim_end_matches(".rs");
        let within = |test: &String| {
            module.strip_prefix(test.as_str()).is_some_and(|r| r.is_empty() || r.starts_with('/'))
        };
        source.is_test = tests.iter().any(within);
    }
    sources
}

/// Paths, below the package, of the files in a folder and its folders that end so.
pub fn files(folder: &str, extension: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(in_package(&slashes(&folder))) else { continue };
        for entry in entries {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == extension) {
                found.push(slashes(&path));
            }
        }
    }
    found.sort();
    found
}

/// A path below the package, wherever the test is run.
pub fn in_package(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

pub fn slashes(path: &Path) -> String {
    path.to_str().unwrap().replace('\\', "/")
}

/// Whether the word stands in the text, not as a part of a longer one.
pub fn names(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        let joins_before = word.starts_with(part) && before.is_some_and(part);
        let joins_after = word.ends_with(part) && after.is_some_and(part);
        !joins_before && !joins_after
    })
}

/// What follows `#[cfg(test)]` at the margin, up to its closing brace at the margin or its semicolon.
/// The formatter puts both there.
fn test_lines(code: &str) -> Vec<(usize, usize)> {
    let lines: Vec<&str> = code.lines().collect();
    let mut ranges = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        if lines[at] == "#[cfg(test)]" {
            let ends = |line: &&str| {
                *line == "}" || (!line.starts_with([' ', '#']) && line.ends_with(';'))
            };
            let length = lines[at..].iter().position(ends).unwrap_or(lines.len() - at - 1);
            ranges.push((at + 1, at + length + 1));
            at += length;
        }
        at += 1;
    }
    ranges
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    line: usize,
    code: String,
    comments: Vec<(usize, String)>,
    strings: Vec<(usize, String)>,
}

impl Lexer {
    fn new(text: &str) -> Self {
        Self {
            chars: text.chars().collect(),
            at: 0,
            line: 1,
            code: String::new(),
            comments: Vec::new(),
            strings: Vec::new(),
        }
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn run(&mut self) {
        while let Some(next) = self.peek(0) {
            match next {
                '/' if self.peek(1) == Some('/') => self.line_comment(),
                '/' if self.peek(1) == Some('*') => self.block_comment(),
                '"' => self.string(None),
                'r' if self.raw_hashes().is_some() => self.string(self.raw_hashes()),
                '\'' => self.quote(),
                _ => self.keep(),
            }
        }
    }

    /// Takes one character over into the code.
    fn keep(&mut self) {
        let next = self.chars[self.at];
        self.code.push(next);
        self.at += 1;
        self.line += usize::from(next == '\n');
    }

    /// Leaves one character out of the code.
    fn blank(&mut self) -> char {
        let next = self.chars[self.at];
        self.code.push(if next == '\n' { '\n' } else { ' ' });
        self.at += 1;
        self.line += usize::from(next == '\n');
        next
    }

    fn line_comment(&mut self) {
        let (line, mut text) = (self.line, String::new());
        while self.peek(0).is_some_and(|next| next != '\n') {
            text.push(self.blank());
        }
        self.comments.push((line, text));
    }

    fn block_comment(&mut self) {
        let (line, mut text, mut depth) = (self.line, String::new(), 0);
        while self.peek(0).is_some() {
            match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => depth += 1,
                (Some('*'), Some('/')) => depth -= 1,
                _ => {
                    text.push(self.blank());
                    continue;
                }
            }
            text.extend([self.blank(), self.blank()]);
            if depth == 0 {
                break;
            }
        }
        self.comments.push((line, text));
    }

    /// How many hashes a raw string begins with, if one begins here.
    fn raw_hashes(&self) -> Option<usize> {
        let before = self.at.checked_sub(1).and_then(|at| self.chars.get(at));
        // The r of br and cr, but not the last letter of a name.
        let prefix = before.is_some_and(|c| matches!(c, 'b' | 'c'));
        if before.is_some_and(|c| c.is_alphanumeric() || *c == '_') && !prefix {
            return None;
        }
        let hashes = self.chars[self.at + 1..].iter().take_while(|c| **c == '#').count();
        (self.peek(hashes + 1) == Some('"')).then_some(hashes)
    }

    fn string(&mut self, raw: Option<usize>) {
        let (line, mut text) = (self.line, String::new());
        let closing: String = format!("\"{}", "#".repeat(raw.unwrap_or(0)));
        while self.peek(0) != Some('"') {
            self.keep();
        }
        self.keep();
        while self.peek(0).is_some() {
            let rest = &self.chars[self.at..];
            if closing.chars().eq(rest.iter().take(closing.len()).copied()) {
                closing.chars().for_each(|_| self.keep());
                break;
            }
            if raw.is_none() && self.peek(0) == Some('\\') {
                text.push(self.blank());
            }
            text.push(self.blank());
        }
        self.strings.push((line, text));
    }

    /// A character, or a lifetime.
    fn quote(&mut self) {
        self.keep();
        if self.peek(0) == Some('\\') {
            self.blank();
            self.blank();
            while self.peek(0).is_some_and(|next| next != '\'') {
                self.blank();
            }
        } else if self.peek(1) == Some('\'') {
            self.blank();
        } else {
            return;
        }
        self.keep();
    }
}

#[test]
fn comments_strings_and_characters_are_told_from_code() {
    let text = "fn a<'x>() { // one \"no string\"\n    b(\"two // no comment\", '\"', '\\'');\n    \
                /* three /* four */ */ c(r#\"five \"six\" \"#, b\"seven\", br\"eight\");\n}\n";
    let source = Source::parse("a.rs", text);
    let strings: Vec<&str> = source.strings.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(strings, ["two // no comment", "five \"six\" ", "seven", "eight"]);
    assert_eq!(source.strings[1].0, 3);
    let comments: Vec<&str> = source.comments.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(comments, ["// one \"no string\"", "/* three /* four */ */"]);
    assert!(source.code.contains("fn a<'x>()") && source.code.contains("c(r#\""));
    for word in ["one", "two", "three", "four", "five", "six", "seven", "eight"] {
        assert!(!source.code.contains(word), "{word} in {}", source.code);
    }
    assert_eq!(source.code.lines().count(), text.lines().count());
}

#[test]
fn unit_tests_are_left_out_and_what_follows_them_is_not() {
    let text = "one();\n#[cfg(test)]\n#[path = \"x_tests.rs\"]\nmod tests;\ntwo();\n#[cfg(test)]\n\
                mod more {\n    three();\n}\nfour();\n";
    let source = Source::parse("src/a/x.rs", text);
    let lines: Vec<&str> = source.product_lines().map(|(_, line)| line).collect();
    assert_eq!(lines, ["one();", "two();", "four();"]);
    assert_eq!(source.length(), 3);
    assert_eq!(source.test_modules(), ["src/a/x_tests"]);
    let text = "#[cfg(test)]\nmod tests;\n";
    assert_eq!(Source::parse("src/a/x.rs", text).test_modules(), ["src/a/x/tests"]);
    assert_eq!(Source::parse("src/a/mod.rs", text).test_modules(), ["src/a/tests"]);
}

#[test]
fn a_word_is_not_found_within_a_longer_one() {
    assert!(names("use crate::store::Reader;", "crate::store"));
    assert!(!names("use crate::storehouse;", "crate::store"));
    assert!(!names("use my_crate::store;", "crate::store"));
    assert!(names("println!(\"\")", "println!") && !names("eprintln!(\"\")", "println!"));
}

//! A certificate as a page for people, as Markdown and as HTML. It is made from what was checked, and says no
//! more than that.

use std::borrow::Cow;
use std::fmt::Write;

use crate::cli::certificate::Made;
use crate::domain::id::EntryId;
use crate::evidence::certificate::check::Checked;
use crate::evidence::certificate::story::{NOT_SAID, conclusion};
use crate::export::cell::visible;
use crate::store::query::EntryView;

/// What is on the page, in order.
enum Part<'a> {
    Title(String),
    Heading(String),
    Text(String),
    /// A name and a text that may come from anybody.
    Field(&'static str, Cow<'a, str>),
    Bullet(&'a str),
    Step(String),
}

fn parts(made: &Made, receipt: bool) -> Vec<Part<'_>> {
    let Checked { entry, checkpoint, signed_by, operation, story, state, .. } = &made.checked;
    let name = if receipt { "Receipt" } else { "Certificate" };
    let mut parts = vec![
        Part::Title(format!("{name} for {entry}")),
        Part::Text(conclusion(*operation, *state, story)),
    ];
    for chapter in story {
        parts.push(Part::Heading(format!("{} — event {}", chapter.at, chapter.index)));
        parts.push(Part::Text(chapter.what.clone()));
        parts.extend(chapter.in_brief().map(|(name, text)| Part::Field(name, text)));
    }
    if receipt {
        let left_out = "Who asked, who approved, why, and what was read are left out. The sealed form of each \
                        stands in the events, so it can be opened later by whoever has the journal.";
        parts.push(Part::Text(left_out.to_owned()));
    }
    if !made.beside.is_empty() {
        parts.push(Part::Heading(
            "What the journal says beside it, and nothing here proves".to_owned(),
        ));
        parts.extend(made.beside.iter().cloned().map(Part::Text));
    }
    parts.push(Part::Heading("What it does not say".to_owned()));
    parts.extend(NOT_SAID.iter().map(|text| Part::Bullet(text)));
    parts.push(Part::Heading("How to check it".to_owned()));
    let stem = if receipt { "receipt" } else { "certificate" };
    let root = checkpoint.head.root;
    let steps = [
        "This page is only a rendering. What counts is the .json file beside it.".to_owned(),
        format!("With the program: journal verify --certificate {entry}.{stem}.json --key KEY"),
        format!(
            "Without it, with Python: python3 verify_certificate.py --key KEY {entry}.{stem}.json"
        ),
        format!(
            "By hand: the .tlog-proof files beside it are proofs of the single events (c2sp.org/tlog-proof), \
             under the checkpoint of {} events with root {root}. docs/auditor.md of the program says each step.",
            checkpoint.head.size
        ),
        format!(
            "KEY is the journal's public key. Take it from elsewhere, not from here. It should be {signed_by} \
             (sha256 {}), or one that handed over to that one.",
            signed_by.fingerprint()
        ),
    ];
    parts.extend(steps.into_iter().map(Part::Step));
    parts
}

/// What the journal's own tables say of an entry beside its events: who brings it back, and what holds it.
/// `earlier` is the entry that did before what was found to be done already.
pub(super) fn beside(view: &EntryView, earlier: Option<EntryId>, receipt: bool) -> Vec<String> {
    let mut beside = Vec::new();
    if let Some(earlier) = earlier {
        let what = if view.scope.operation.is_undo() { "brought it back" } else { "took it away" };
        beside.push(format!(
            "Entry {earlier} of this journal {what} before. It has a certificate of its own."
        ));
    }
    if let Some(undo) = view.undone_by {
        beside.push(format!(
            "Entry {} was recorded to bring back what this one took away; it is {}. It has a certificate of its own.",
            undo.entry, undo.state
        ));
    }
    if let Some(hold) = &view.hold {
        let mut text = format!("Hold {}, placed at {}, keeps it", hold.hold, hold.at);
        let names =
            [("held by", &hold.held_by), ("reason", &hold.reason), ("ticket", &hold.ticket)];
        let names = names.into_iter().filter(|_| !receipt);
        for (name, value) in names.filter_map(|(name, value)| Some((name, value.as_ref()?))) {
            text += &["; ", name, ": ", value.as_str()].concat();
        }
        beside.push(text + ".");
    }
    beside
}

/// The page as Markdown.
pub(super) fn markdown(made: &Made, receipt: bool) -> String {
    let mut page = String::new();
    for part in parts(made, receipt) {
        // Writing into a text does not fail.
        let written = match part {
            Part::Title(text) => writeln!(page, "# {}\n", in_markdown(&text)),
            Part::Heading(text) => writeln!(page, "\n## {}\n", in_markdown(&text)),
            Part::Text(text) => writeln!(page, "{}\n", in_markdown(&text)),
            Part::Field(name, text) => writeln!(page, "- {name}: {}", in_markdown(&text)),
            Part::Bullet(text) => writeln!(page, "- {}", in_markdown(text)),
            Part::Step(text) => writeln!(page, "1. {}", in_markdown(&text)),
        };
        if written.is_err() {
            break;
        }
    }
    page
}

/// The page as HTML, without anything that is loaded or run.
pub(super) fn html(made: &Made, receipt: bool) -> String {
    let title = format!("Certificate for {}", made.checked.entry);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{}</title>\n<style>body{{font:16px/1.5 sans-serif;max-width:46em;margin:2em auto;padding:0 1em}}\
         h2{{font-size:1.05em;margin-top:1.6em}}li,p{{overflow-wrap:anywhere}}</style>\n</head>\n<body>\n",
        in_html(&title)
    );
    for part in parts(made, receipt) {
        let written = match part {
            Part::Title(text) => writeln!(page, "<h1>{}</h1>", in_html(&text)),
            Part::Heading(text) => writeln!(page, "<h2>{}</h2>", in_html(&text)),
            Part::Text(text) => writeln!(page, "<p>{}</p>", in_html(&text)),
            Part::Field(name, text) => {
                writeln!(page, "<p><b>{}</b>: {}</p>", in_html(name), in_html(&text))
            }
            Part::Bullet(text) => writeln!(page, "<p>• {}</p>", in_html(text)),
            Part::Step(text) => writeln!(page, "<p>{}</p>", in_html(&text)),
        };
        if written.is_err() {
            break;
        }
    }
    page.push_str("</body>\n</html>\n");
    page
}

/// Outside text in Markdown: every character that could mean something is escaped, on one line.
fn in_markdown(text: &str) -> String {
    let shown = visible(text);
    let mut escaped = String::with_capacity(shown.len());
    for character in shown.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '!' | '~' => {
                escaped.push('\\');
                escaped.push(character);
            }
            '\n' | '\r' => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Outside text in HTML.
fn in_html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_typed_does_nothing_on_a_page() {
        let typed = "<script>alert(1)</script> [x](javascript:y) `*_#\u{1b}[2J & \"'";
        let html = in_html(typed);
        assert!(!html.contains(['<', '>', '"', '\'', '\u{1b}']), "{html}");
        assert!(html.starts_with("&lt;script&gt;"), "{html}");
        let markdown = in_markdown(typed);
        assert!(!markdown.contains(['<', '>', '\u{1b}']), "{markdown}");
        assert!(markdown.contains(r"\[x\](javascript:y) \`\*\_\#"), "{markdown}");
    }
}

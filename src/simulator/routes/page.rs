//! `page` and `per_page`, and the `info` that goes with them.

use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::call::Call;
use super::super::refusal::bad_parameter;

/// The default and the most of `per_page` (Get Records page).
const MOST: usize = 200;

/// A page that is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageAsked {
    page: usize,
    per_page: usize,
}

impl PageAsked {
    pub(crate) fn read(call: &Call) -> Result<Self, Answer> {
        Ok(Self {
            page: number(call, "page", 1, usize::MAX)?,
            per_page: number(call, "per_page", MOST, MOST)?,
        })
    }

    /// How many rows it has at most.
    pub(crate) const fn size(self) -> usize {
        self.per_page
    }

    /// The position after the last row of the page.
    pub(crate) fn end(self) -> usize {
        self.page.saturating_mul(self.per_page)
    }

    /// The page's part of all rows as an answer; 204 when there is none.
    pub(crate) fn answer<T>(
        self,
        rows: impl Iterator<Item = T>,
        key: &str,
        row: impl FnMut(T) -> Value,
    ) -> Answer {
        let mut rows = rows.skip(self.end() - self.per_page.min(self.end()));
        let shown: Vec<Value> = rows.by_ref().take(self.per_page).map(row).collect();
        if shown.is_empty() {
            return Answer::nothing();
        }
        let info = json!({
            "per_page": self.per_page,
            "count": shown.len(),
            "page": self.page,
            "more_records": rows.next().is_some(),
        });
        Answer::json(200, json!({ key: shown, "info": info }))
    }
}

fn number(call: &Call, name: &str, default: usize, most: usize) -> Result<usize, Answer> {
    let Some(text) = call.parameter(name) else {
        return Ok(default);
    };
    text.parse()
        .ok()
        .filter(|number| (1..=most).contains(number))
        .ok_or_else(|| bad_parameter(name, "invalid data"))
}

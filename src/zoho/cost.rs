//! What calls cost, in API credits, as Zoho documents it.
//!
//! A forecast, not a measurement: what is left of a day's credits is said by `X-API-CREDITS-REMAINING`.

use crate::domain::call::Operation;

/// A kind of call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    /// Deleting up to 100 records.
    DeleteRecords,
    /// Reading the org.
    Org,
    /// Reading the token's user.
    CurrentUser,
    /// Reading a module's metadata.
    Module,
    /// Looking for up to 100 records in the recycle bin.
    RecycleBin,
    /// One page of the deleted-records list.
    DeletedList,
    /// Reading up to 100 records.
    Records,
}

/// One line of the price list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// The call.
    pub call: Call,
    /// Credits per call.
    pub credits: u64,
    /// Where that is said.
    pub source: &'static str,
}

/// What the limits page says of every call that it does not list.
const UNLISTED: &str = "CRM API Limits page: all other APIs";

/// Every call's price.
#[rustfmt::skip]
pub const PRICES: &[Price] = &[
    Price { call: Call::DeleteRecords, credits: 1, source: "inferred: the CRM API Limits page does not list it" },
    Price { call: Call::Org,           credits: 1, source: UNLISTED },
    Price { call: Call::CurrentUser,   credits: 1, source: UNLISTED },
    Price { call: Call::Module,        credits: 1, source: UNLISTED },
    Price { call: Call::RecycleBin,    credits: 1, source: UNLISTED },
    Price { call: Call::DeletedList,   credits: 2, source: "Vertical Solutions API Limits page: get ids of deleted records" },
    Price { call: Call::Records,       credits: 1, source: UNLISTED },
];

/// The documented credits of one call.
pub fn credits(call: Call) -> u64 {
    PRICES.iter().find(|price| price.call == call).map_or(1, |price| price.credits)
}

/// The documented credits of one write call that carries so many items.
pub fn write_credits(operation: Operation, _items: usize) -> u64 {
    match operation {
        Operation::Delete => credits(Call::DeleteRecords),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_has_one_price() {
        for call in [
            Call::DeleteRecords,
            Call::Org,
            Call::CurrentUser,
            Call::Module,
            Call::RecycleBin,
            Call::DeletedList,
            Call::Records,
        ] {
            assert_eq!(PRICES.iter().filter(|price| price.call == call).count(), 1);
        }
        assert_eq!(credits(Call::DeletedList), 2);
        assert_eq!(write_credits(Operation::Delete, 100), 1);
    }
}

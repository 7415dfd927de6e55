//! Answers to reads: what was read, status, then the body.

use zoho_journal::domain::id::{ModuleName, RecordId};
use zoho_journal::domain::target::Product;
use zoho_journal::zoho::{ReadOf, ids_shown};

pub fn api_read(data: &[u8]) {
    let Some((which, rest)) = super::choice(data, &[0_u8, 1, 2, 3, 4, 5, 6, 7, 8, 9]) else {
        return;
    };
    let Some((http_status, body)) = super::choice(rest, super::STATUSES) else { return };
    let asked: Vec<RecordId> =
        (1..=3).filter_map(|at| RecordId::from_stored(4_876_876_000_000_624_000 + at)).collect();
    let leads: ModuleName = "Leads".parse().unwrap();
    let what = match which {
        0 => ReadOf::Bin(&asked),
        1 => ReadOf::Deleted,
        2 => ReadOf::Records(&asked),
        3 => ReadOf::Related(&asked),
        4 => ReadOf::Tags,
        5 => ReadOf::Org(Product::Crm),
        6 => ReadOf::User,
        7 => ReadOf::Module(&leads),
        8 => ReadOf::Job("4876876000005871001"),
        _ => ReadOf::Records(asked.get(..1).unwrap_or_default()),
    };
    let shown = ids_shown(what, http_status, body, false);
    assert_eq!(shown, ids_shown(what, http_status, body, false));
    if let (Ok(shown), ReadOf::Bin(asked) | ReadOf::Records(asked) | ReadOf::Related(asked)) =
        (&shown, what)
    {
        assert!(shown.iter().all(|id| asked.contains(id)), "it shows what nobody asked for");
    }
    // What Zoho words itself counts whatever the status: that there is no such record, or job.
    let worded = String::from_utf8_lossy(body).contains("INVALID_DATA");
    if matches!(http_status, 401 | 429 | 500..=504) && !worded {
        assert!(shown.is_err(), "HTTP {http_status} shows nothing: {shown:?}");
    }
    let cut = ids_shown(what, http_status, body, true);
    assert!(cut.is_err(), "what was cut proves nothing: {cut:?}");
}

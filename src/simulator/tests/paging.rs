//! A module read to its end, beyond the first 2,000 records (Get Records page, Kaizen 60, OAS
//! record.json and the later texts).

use serde_json::json;

use super::*;

const DAY: i64 = 86_400_000;

fn of(leads: usize) -> World {
    World::with(|config| config.records = vec![("Leads".to_owned(), leads)])
}

fn ids(seen: &Seen) -> Vec<u64> {
    let rows = seen.json()["data"].as_array().unwrap().clone();
    rows.iter().map(|row| row["id"].as_str().unwrap().parse().unwrap()).collect()
}

fn token(seen: &Seen) -> Option<String> {
    seen.json()["info"]["next_page_token"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn every_record_is_read_once_and_those_of_a_tag_are_found() {
    for api in ["crm/v3", "crm/v8"] {
        let zoho = of(2_345);
        let tagged = [zoho.leads[0], zoho.leads[1_000], zoho.leads[2_344]];
        zoho.simulator.tag("Leads", &["A"], &tagged);
        let path = format!("/{api}/Leads?fields=id,Tag&per_page=200&converted=both");
        let (mut next, mut all, mut found) = (String::new(), Vec::new(), Vec::new());
        let mut pages = 0;
        loop {
            let seen = zoho.get(&format!("{path}{next}")).await;
            pages += 1;
            assert_eq!(seen.json()["info"]["page"], pages, "{api}");
            for row in seen.json()["data"].as_array().unwrap() {
                let id: u64 = row["id"].as_str().unwrap().parse().unwrap();
                all.push(id);
                if row["Tag"].as_array().unwrap().iter().any(|tag| tag["name"] == "A") {
                    found.push(id);
                }
            }
            let Some(token) = token(&seen) else {
                assert_eq!(seen.json()["info"]["more_records"], false);
                assert!(seen.json()["info"]["page_token_expiry"].is_null());
                break;
            };
            assert_eq!(seen.json()["info"]["more_records"], true);
            assert_eq!(seen.json()["info"]["page_token_expiry"], "2026-08-23T15:30:00+05:30");
            assert!(token.len() <= 96, "{token}");
            next = format!("&page_token={token}");
        }
        all.reverse();
        found.reverse();
        assert_eq!((pages, all == zoho.leads), (12, true), "{api}");
        assert_eq!(found, tagged);
        assert_eq!(zoho.simulator.snapshot().credits_used, 12);
    }
}

#[tokio::test]
async fn numbers_reach_two_thousand_and_a_token_goes_on_from_there() {
    let zoho = of(2_100);
    let path = "/crm/v8/Leads?fields=id&per_page=200";
    let tenth = zoho.get(&format!("{path}&page=10")).await;
    assert_eq!(ids(&tenth).len(), 200);
    let message = "You can only get the first 2000 records without using page_token param";
    let limit = flat("DISCRETE_PAGINATION_LIMIT_EXCEEDED", message, json!({"limit": 2000}));
    assert_eq!(zoho.get(&format!("{path}&page=11")).await.both(), (400, limit));
    let last = zoho.get(&format!("{path}&page_token={}", token(&tenth).unwrap())).await;
    let mut seen = ids(&last);
    seen.reverse();
    assert_eq!(seen, zoho.leads[..100]);
}

#[tokio::test]
async fn who_deletes_between_two_pages_misses_none() {
    let zoho = of(30);
    let path = "/crm/v8/Leads?fields=id&per_page=10";
    let first = zoho.get(path).await;
    zoho.delete_leads(&ids(&first)).await.unwrap();
    let second = zoho.get(&format!("{path}&page_token={}", token(&first).unwrap())).await;
    let mut seen = ids(&second);
    seen.reverse();
    assert_eq!(seen, zoho.leads[10..20]);
}

#[tokio::test]
async fn a_token_is_good_for_its_own_call_and_for_a_day() {
    let zoho = of(30);
    zoho.simulator.add_records("Contacts", 30);
    let path = "/crm/v8/Leads?fields=id&per_page=10";
    let token = token(&zoho.get(path).await).unwrap();
    let message =
        "The page_token given seems to be invalid or input param is added or altered or deleted";
    let details = json!({"param_name": "page_token"});
    let mismatch = flat("TOKEN_BOUND_DATA_MISMATCH", message, details);
    let mut other = token.clone();
    other.replace_range(10..11, if token.as_bytes()[10] == b'0' { "1" } else { "0" });
    for bad in [
        format!("/crm/v8/Leads?fields=id&per_page=11&page_token={token}"),
        format!("/crm/v8/Leads?fields=id,Tag&per_page=10&page_token={token}"),
        format!("{path}&converted=both&page_token={token}"),
        format!("/crm/v8/Contacts?fields=id&per_page=10&page_token={token}"),
        format!("{path}&page_token={other}"),
        format!("{path}&page_token=x"),
    ] {
        assert_eq!(zoho.get(&bad).await.both(), (400, mismatch.clone()), "{bad}");
    }
    let seen = zoho.get(&format!("{path}&page=2&page_token={token}")).await;
    assert_eq!((seen.status, &seen.json()["code"]), (400, &json!("AMBIGUITY_DURING_PROCESSING")));
    zoho.wait(DAY);
    let path = format!("{path}&page_token={token}");
    assert_eq!(zoho.get(&path).await.status, 200);
    zoho.wait(1);
    let details = json!({"api_name": "page_token", "json_path": "$.query.page_token"});
    let expired = flat("EXPIRED_VALUE", "Page token expired", details);
    assert_eq!(zoho.get(&path).await.both(), (400, expired));
}

#[tokio::test]
async fn tokens_reach_a_hundred_thousand_records() {
    let zoho = of(100_001);
    let path = "/crm/v8/Leads?fields=id&per_page=200";
    let mut seen = zoho.get(path).await;
    for page in 2..=500 {
        let next = token(&seen).unwrap();
        seen = zoho.get(&format!("{path}&page_token={next}")).await;
        assert_eq!((seen.status, &seen.json()["info"]["page"]), (200, &json!(page)));
    }
    let seen = zoho.get(&format!("{path}&page_token={}", token(&seen).unwrap())).await;
    assert_eq!((seen.status, &seen.json()["code"]), (400, &json!("PAGINATION_LIMIT_EXCEEDED")));
}

#[tokio::test]
async fn the_second_version_knows_no_tokens() {
    let zoho = of(30);
    let seen = zoho.get("/crm/v2/Leads?per_page=10").await;
    assert_eq!(token(&seen), None);
    assert_eq!(seen.json()["info"]["more_records"], true);
}

//! `GET …/org` (Organization page).

use serde_json::json;

use super::super::answer::Answer;
use super::super::config::Rules;
use super::super::state::World;

/// The org.
pub(crate) fn one(world: &World, rules: Rules) -> Answer {
    let id = world.org_id();
    let (paid_type, paid) = rules.edition.paid();
    Answer::json(
        200,
        json!({"org": [{
            "id": id.to_string(),
            "zgid": (id % 1_000_000_000 + 700_000_000).to_string(),
            "company_name": "Simulated Org",
            "country_code": "IN",
            "time_zone": "Asia/Kolkata",
            "iso_code": "INR",
            "license_details": {
                "paid_type": paid_type,
                "paid": paid,
                "users_license_purchased": rules.users,
            },
        }]}),
    )
}

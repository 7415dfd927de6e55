//! `GET …/org` (Organization page).

use serde_json::json;

use super::super::answer::Answer;
use super::super::state::World;

/// The org.
pub(crate) fn one(world: &World) -> Answer {
    let id = world.org_id();
    Answer::json(
        200,
        json!({"org": [{
            "id": id.to_string(),
            "zgid": (id % 1_000_000_000 + 700_000_000).to_string(),
            "company_name": "Simulated Org",
            "country_code": "IN",
            "time_zone": "Asia/Kolkata",
            "iso_code": "INR",
            "license_details": {"paid_type": "enterprise", "paid": true, "users_license_purchased": 2},
        }]}),
    )
}

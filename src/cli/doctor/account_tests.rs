use super::*;
use crate::cli::doctor::check::Status;
use crate::cli::doctor::journal::Bound;
use crate::cli::testing::context;
use crate::config::Setting;
use crate::domain::edition::Edition;
use crate::domain::target::Environment;
use crate::store::run::Binding;

fn an_org() -> OrgInfo {
    OrgInfo {
        id: "4876876000000624001".parse().unwrap(),
        edition: Some(Edition::Professional),
        users: Some(10),
        environment: None,
    }
}

fn read(value: OrgInfo, credits_remaining: Option<u64>) -> Read<OrgInfo> {
    Read { value, date: None, credits_remaining }
}

fn bound_to(org: Option<&str>) -> Found {
    let binding = Binding {
        data_center: "us".to_owned(),
        environment: "production".to_owned(),
        api_origin: "loopback".to_owned(),
        org: org.map(str::to_owned),
    };
    Found { bound: Bound::To(binding), open: Vec::new() }
}

#[test]
fn the_org_must_be_the_one_that_the_journal_is_bound_to() {
    let context = context();
    let status = |found: &Found| org(&context, &an_org(), found).status;
    assert_eq!(status(&Found::default()), Status::Fine);
    assert_eq!(status(&bound_to(None)), Status::Fine);
    assert_eq!(status(&bound_to(Some("4876876000000624001"))), Status::Fine);
    let other = org(&context, &an_org(), &bound_to(Some("4876876000000624009")));
    assert_eq!(other.status, Status::Problem(Kind::Other));
    assert!(other.remedy.unwrap().contains("4876876000000624009"));
}

#[test]
fn a_sandbox_is_not_taken_for_production() {
    let context = context();
    assert_eq!(environment(&context, &an_org()), None);
    let said = |environment| OrgInfo { environment: Some(environment), ..an_org() };
    let status = |one| environment(&context, &said(one)).unwrap().status;
    assert_eq!(status(Environment::Production), Status::Fine);
    let sandbox = environment(&context, &said(Environment::Sandbox)).unwrap();
    assert_eq!(sandbox.status, Status::Problem(Kind::Other));
    let remedy = sandbox.remedy.unwrap();
    assert_eq!(remedy, "journal config set environment sandbox --db none.db");
}

#[test]
fn the_edition_bounds_the_calls_at_once() {
    let mut context = context();
    let fine = edition(&context, &read(an_org(), Some(20_000)));
    assert_eq!(
        (fine.status, fine.message.as_str()),
        (
            Status::Fine,
            "CRM Professional, 10 users: 15 calls at once, at least 55,000 API credits a day; 20,000 \
             credits are left"
        )
    );
    context.settings.concurrency = Setting::default_of(20);
    let greedy = edition(&context, &read(an_org(), None));
    assert_eq!(greedy.status, Status::Warning);
    assert!(greedy.remedy.unwrap().starts_with("journal config set concurrency 15"));
    let unknown = edition(&context, &read(OrgInfo { edition: None, ..an_org() }, None));
    assert_eq!(unknown.status, Status::NotChecked);
    let ultimate = OrgInfo { edition: Some(Edition::Ultimate), ..an_org() };
    assert!(
        edition(&context, &read(ultimate, None)).message.contains("at least 70,000 API credits")
    );
}

#[test]
fn the_user_is_held_against_the_service_user_and_named_for_eyes_only() {
    let mut context = context();
    let ann = UserInfo {
        id: "4876876000000624002".parse().unwrap(),
        name: Some("Ann".to_owned()),
        email: Some("ann@example.com".to_owned()),
        profile: None,
    };
    let unset = user(&context, &ann);
    assert_eq!(unset.status, Status::Warning);
    assert!(!unset.message.contains("Ann") && !unset.message.contains('@'));
    assert_eq!(unset.person.as_deref(), Some("Ann, ann@example.com"));
    assert!(
        unset.remedy.unwrap().starts_with("journal config set service_user 4876876000000624002")
    );
    let mut status = |wanted: &str| {
        context.settings.service_user = Setting::default_of(Some(wanted.parse().unwrap()));
        user(&context, &ann).status
    };
    assert_eq!(status("ann@example.com"), Status::Fine);
    assert_eq!(status("4876876000000624003"), Status::Problem(Kind::NotAllowed));
}

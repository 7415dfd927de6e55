use proptest::prelude::*;

use super::*;
use crate::domain::policy::{Approver, Demand};

fn rules(text: &str) -> ApprovalRules {
    text.parse().unwrap()
}

fn module(name: &str) -> ModuleName {
    name.parse().unwrap()
}

#[test]
fn rules_are_read_as_they_are_written() {
    for (text, written) in [
        ("delete:Accounts=always", "delete:Accounts=always"),
        ("delete-tags=always", "delete-tags=always"),
        ("delete:*=5", "delete=5"),
        ("delete:=5", "delete=5"),
        ("*:Deals=50", "*:Deals=50"),
        (":Deals=50", "*:Deals=50"),
        ("*=7", "*=7"),
        ("*:*=7", "*=7"),
        (" restore : = 1 ", ""),
        (" *:Deals=50 ,delete = 2,", "*:Deals=50, delete=2"),
        // Of two for the same requests the stricter counts, in whatever letters.
        ("delete:Deals=9, delete:deals=8, delete:Deals=10", "delete:Deals=8"),
        ("", ""),
    ] {
        match text.parse::<ApprovalRules>() {
            Ok(rules) => assert_eq!(rules.to_string(), written, "{text}"),
            Err(error) => assert_eq!(written, "", "{error}"),
        }
    }
    for (wrong, why) in [
        ("delete", "write OPERATION:MODULE=always"),
        ("delete=never", "a rule only tightens"),
        ("delete=0", "a number from 1"),
        ("erase=1", "choose one of delete, untag"),
        ("delete:Le ads=1", "is not a module's API name"),
        ("=1", "it names nothing"),
    ] {
        let told = wrong.parse::<ApprovalRules>().unwrap_err().to_string();
        assert!(told.contains(why) && told.contains(wrong), "{told}");
    }
}

#[test]
fn the_strictest_rule_that_matches_counts() {
    let rules = rules("delete=50, *:Deals=20, delete:Deals=30, delete:Accounts=always, restore=3");
    let demand = Demand { rules, ..Demand::from(ApprovalPolicy::From(40)) };
    for (operation, name, met) in [
        (Operation::Delete, "Deals", "*:Deals=20"),
        (Operation::Delete, "deals", "*:Deals=20"),
        (Operation::Delete, "Accounts", "delete:Accounts=always"),
        (Operation::Delete, "ACCOUNTS", "delete:Accounts=always"),
        // What holds for all is stricter than this rule.
        (Operation::Delete, "Leads", "40"),
        (Operation::Untag, "Accounts", "40"),
        (Operation::Restore, "Leads", "restore=3"),
        (Operation::Unlink, "Deals", "*:Deals=20"),
    ] {
        assert_eq!(demand.of(operation, &module(name)).to_string(), met, "{operation} {name}");
    }
}

#[test]
fn a_change_that_tightens_one_rule_and_loosens_another_loosens() {
    let demand =
        |text: &str| Demand { rules: rules(text), ..Demand::from(ApprovalPolicy::From(100)) };
    let before = demand("delete:Accounts=always, *:Deals=50");
    for (after, as_strict) in [
        ("delete:Accounts=always, *:Deals=50", true),
        ("delete:Accounts=always, *:Deals=49", true),
        ("delete:Accounts=always, *:Deals=51", false),
        ("delete:Accounts=always", false),
        ("delete:Accounts=1, *:Deals=50", true),
        ("delete:Accounts=2, *:Deals=1", false),
        // One rule that says as much as two.
        ("*=50, delete:Accounts=always", true),
        ("delete=always, *:Deals=50", true),
        ("delete=always, delete:Deals=1", false),
        ("", false),
    ] {
        assert_eq!(demand(after).is_as_strict_as(&before), as_strict, "{after}");
    }
    // A rule that asks for no more than what holds for all may go.
    assert!(demand("delete=50").is_as_strict_as(&demand("delete=50, *:Deals=200")));
}

#[test]
fn in_the_log_rules_stand_in_one_form_only() {
    let rules = rules("*:Deals=50, delete:Accounts=always");
    let json = r#"["*:Deals=50","delete:Accounts=always"]"#;
    assert_eq!(serde_json::to_string(&rules).unwrap(), json);
    assert_eq!(serde_json::from_str::<ApprovalRules>(json).unwrap(), rules);
    for other in [
        r#"["delete:Accounts=always","*:Deals=50"]"#,
        r#"["*:Deals=50","*:Deals=50"]"#,
        r#"["*:Deals=50","*:deals=60"]"#,
        r#"[":Deals=50"]"#,
        r#"["delete=never"]"#,
        r#"[" delete=1"]"#,
    ] {
        assert!(serde_json::from_str::<ApprovalRules>(other).is_err(), "{other}");
    }
}

fn policies() -> impl Strategy<Value = ApprovalPolicy> {
    prop_oneof![
        Just(ApprovalPolicy::Never),
        Just(ApprovalPolicy::Always),
        (1..5_u64).prop_map(ApprovalPolicy::From),
    ]
}

fn names() -> impl Strategy<Value = ModuleName> {
    prop_oneof![Just("Leads"), Just("leads"), Just("Deals"), Just("Cases")].prop_map(module)
}

fn some_rules() -> impl Strategy<Value = ApprovalRules> {
    let operation = proptest::option::of(proptest::sample::select(Operation::ALL));
    let scope = (operation, proptest::option::of(names()))
        .prop_map(|(operation, module)| RuleScope { operation, module });
    let rule = (scope, policies())
        .prop_filter_map("it says nothing", |(scope, wants)| ApprovalRule::new(scope, wants));
    proptest::collection::vec(rule, 0..6).prop_map(|rules| rules.into_iter().collect())
}

fn demands() -> impl Strategy<Value = Demand> {
    let approver = prop_oneof![Just(Approver::Named), Just(Approver::Signed)];
    (policies(), some_rules(), approver).prop_map(|(wants, rules, approver)| Demand {
        wants,
        rules,
        approver,
    })
}

/// Whether a request waits, straight from the rules' own words.
fn waits(demand: &Demand, operation: Operation, name: &ModuleName, entries: u64) -> bool {
    demand.wants.wants_approval(entries)
        || demand.rules.iter().any(|rule| {
            rule.scope.operation.is_none_or(|own| own == operation)
                && (rule.scope.module.as_ref())
                    .is_none_or(|own| own.as_str().eq_ignore_ascii_case(name.as_str()))
                && rule.wants().wants_approval(entries)
        })
}

/// Every request that matters: each operation, modules that rules name and another, all sizes around the rules'.
fn every_request() -> impl Iterator<Item = (Operation, ModuleName, u64)> {
    Operation::ALL.iter().flat_map(|operation| {
        ["Leads", "lEADS", "Deals", "Cases", "Vendors"]
            .into_iter()
            .flat_map(move |name| (1..7).map(move |entries| (*operation, module(name), entries)))
    })
}

proptest! {
    #[test]
    fn of_layers_whatever_one_lets_wait_waits(one in demands(), other in demands()) {
        let both = one.stricter(&other);
        for (operation, name, entries) in every_request() {
            let met = both.of(operation, &name);
            let either = waits(&one, operation, &name, entries) || waits(&other, operation, &name, entries);
            prop_assert_eq!(met.wants.wants_approval(entries), either);
            if either {
                prop_assert!(both.least().is_some_and(|least| least <= entries));
            }
        }
        prop_assert_eq!(both.approver, one.approver.max(other.approver));
        prop_assert!(both.is_as_strict_as(&one) && both.is_as_strict_as(&other));
        prop_assert_eq!(&both.stricter(&one), &both);
    }

    #[test]
    fn a_demand_is_as_strict_as_another_when_it_lets_wait_whatever_that_one_does(
        one in demands(), other in demands()
    ) {
        let mut all = every_request();
        let waits = all.all(|(operation, name, entries)| {
            waits(&one, operation, &name, entries) || !waits(&other, operation, &name, entries)
        });
        prop_assert_eq!(one.is_as_strict_as(&other), waits && one.approver >= other.approver);
    }

    #[test]
    fn rules_read_back_as_they_are_written(rules in some_rules()) {
        prop_assert_eq!(rules.to_string().parse::<ApprovalRules>().unwrap(), rules.clone());
        let json = serde_json::to_string(&rules).unwrap();
        prop_assert_eq!(serde_json::from_str::<ApprovalRules>(&json).unwrap(), rules);
    }
}

//! What a simulator begins with.

use super::*;

fn links(module: &str, list: &str, count: usize) -> LinksAtStart {
    LinksAtStart { module: module.to_owned(), list: list.to_owned(), count }
}

fn config(change: impl FnOnce(&mut Config)) -> Config {
    let mut config = Config {
        records: vec![("Leads".to_owned(), 3), ("Campaigns".to_owned(), 2)],
        ..Config::default()
    };
    change(&mut config);
    config
}

fn tag(module: &str, name: &str) -> (String, String) {
    (module.to_owned(), name.to_owned())
}

#[tokio::test]
async fn tags_are_on_every_record_and_links_on_the_first() {
    let simulator = Simulator::start(config(|config| {
        config.tags = vec![tag("Leads", "Prime"), tag("Leads", "a=b"), tag("Deals", "Bare")];
        config.links = vec![
            links("Campaigns", "Leads", 2),
            links("Leads", "Notes", 4),
            links("Leads", "Attachments", 1),
        ];
    }))
    .unwrap();
    let snapshot = simulator.snapshot();
    let leads = &snapshot.modules["Leads"].live;
    for lead in leads {
        assert_eq!(snapshot.tags_of(*lead), ["Prime", "a=b"]);
    }
    assert!(snapshot.tags["Deals"].contains_key("Bare"));
    let campaign = snapshot.modules["Campaigns"].live[0];
    assert_eq!(snapshot.linked(campaign, "Leads"), &leads[..2]);
    assert_eq!(snapshot.linked(leads[0], "Notes").len(), 4);
    assert_eq!(snapshot.linked(leads[0], "Attachments").len(), 1);
    // All of it is another user's work, and no call's.
    assert_eq!((snapshot.requests, snapshot.credits_used), (0, 0));
    assert!(snapshot.effects_of(leads[0]).iter().all(|effect| effect.by == Actor::OtherUser));
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_says_what_to_give() {
    let long = "x".repeat(26);
    let eleven: Vec<_> = (0..11).map(|n| tag("Leads", &n.to_string())).collect();
    let with_tags = |tags: Vec<(String, String)>| config(|config| config.tags = tags);
    let with_link = |link: LinksAtStart| config(|config| config.links = vec![link]);
    for (config, told) in [
        (with_tags(vec![tag("Lead", "A")]), "there is no module Lead"),
        (with_tags(vec![tag("Leads", "a,b")]), "no name of a tag"),
        (with_tags(vec![tag("Leads", &long)]), "up to 25 characters"),
        (with_tags(vec![tag("Leads", "")]), "no name of a tag"),
        (with_tags(vec![tag("Leads", "A"), tag("Leads", "A")]), "given twice"),
        (with_tags(eleven), "10 tags already"),
        (with_link(links("Campaign", "Leads", 1)), "there is no module Campaign"),
        (with_link(links("Products", "Leads", 1)), "add --records Products=1"),
        (with_link(links("Campaigns", "Deals", 1)), "but Leads, Contacts, Notes, Attachments"),
        (with_link(links("Campaigns", "Leads", 4)), "there are 3: give --records Leads=4"),
        (with_link(links("Campaigns", "Contacts", 1)), "give --records Contacts=1"),
    ] {
        let error = Simulator::start(config).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains(told), "{error}");
    }
}

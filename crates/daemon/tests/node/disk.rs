//! What survives: database files and rewritten config files.

use picket_testkit::{Reply, wait_until};

use crate::common::{SOON, node};

#[test]
fn what_was_saved_is_there_after_a_crash() {
    let mut server = node(&[]);
    assert!(server.cmd(&["SET", "key", "value"]).expect("a reply").is_ok());
    assert!(server.cmd(&["SAVE"]).expect("a reply").is_ok());
    assert!(server.cmd(&["SET", "key", "lost"]).expect("a reply").is_ok());
    server.restart();
    assert_eq!(server.cmd(&["GET", "key"]).expect("a reply"), Reply::Bulk(b"value".to_vec()));
    let names: Vec<_> = std::fs::read_dir(server.folder())
        .expect("readable")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    assert!(!names.iter().any(|name| name.starts_with("temp-")), "{names:?}");
}

#[test]
fn an_orderly_end_saves_if_there_are_save_points() {
    let mut server = node(&["save 3600 1000"]);
    assert!(server.cmd(&["SET", "key", "value"]).expect("a reply").is_ok());
    assert_eq!(server.process().terminate().code(), Some(0));
    server.restart();
    assert_eq!(server.cmd(&["GET", "key"]).expect("a reply"), Reply::Bulk(b"value".to_vec()));
}

#[test]
fn a_background_save_makes_a_file_that_redis_loads() {
    crate::common::needs_redis!();
    let mut server = node(&[]);
    let mut client = server.client().expect("connected");
    for number in 0..1000 {
        let (key, value) = (format!("key:{number}"), "x".repeat(number));
        assert!(client.cmd(&["SET", &key, &value]).expect("a reply").is_ok());
    }
    let reply = client.cmd(&["BGSAVE"]).expect("a reply");
    assert_eq!(reply, Reply::Status("Background saving started".into()));
    wait_until(SOON, "the file is there", || server.folder().join("dump.rdb").exists());
    server.restart_as(&picket_testkit::DataProgram::Redis);
    assert_eq!(server.cmd(&["DBSIZE"]).expect("a reply"), Reply::Int(1000));
    assert_eq!(server.cmd(&["GET", "key:999"]).expect("a reply"), Reply::Bulk(vec![b'x'; 999]));
}

#[test]
fn a_rewritten_config_file_has_all_save_points() {
    for (line, value) in [
        ("save 900 1", "3600 1 300 100 60 10000"),
        ("save \"\"", "3600 1 300 100 60 10000"),
        ("save 900 1", "60 5 30 9"),
        ("save 900 1", ""),
    ] {
        let mut server = node(&[line]);
        assert!(server.cmd(&["CONFIG", "SET", "save", value]).expect("a reply").is_ok());
        assert!(server.cmd(&["CONFIG", "REWRITE"]).expect("a reply").is_ok());
        server.restart();
        let shown = server.cmd(&["CONFIG", "GET", "save"]).expect("a reply");
        assert_eq!(
            shown,
            Reply::Array(["save", value].map(|text| Reply::Bulk(text.into())).into()),
            "{line}"
        );
    }
}

#[test]
fn a_rewritten_config_file_remembers_the_master() {
    let master = node(&[]);
    let mut replica = node(&[]);
    let port = master.port().to_string();
    assert!(replica.cmd(&["REPLICAOF", "127.0.0.1", &port]).expect("a reply").is_ok());
    assert!(replica.cmd(&["CONFIG", "REWRITE"]).expect("a reply").is_ok());
    assert!(
        replica.conf_text().contains(&format!("\nreplicaof 127.0.0.1 {port}\n")),
        "{}",
        replica.conf_text()
    );
    replica.restart();
    wait_until(SOON, "it follows again", || replica.follows(master.port()));
    assert!(replica.cmd(&["REPLICAOF", "NO", "ONE"]).expect("a reply").is_ok());
    assert!(replica.cmd(&["CONFIG", "REWRITE"]).expect("a reply").is_ok());
    assert!(!replica.conf_text().contains("replicaof"), "{}", replica.conf_text());
    replica.restart();
    assert!(replica.is_master());
}

#[test]
fn another_folder_is_used_at_once_and_after_a_restart() {
    let mut server = node(&["enable-protected-configs local"]);
    let other = server.folder().join("other");
    std::fs::create_dir(&other).expect("made");
    let path = other.to_str().expect("a plain path").to_owned();
    for (value, reason) in [("none", "No such file or directory"), ("other/", "")] {
        let reply = server.cmd(&["CONFIG", "SET", "dir", value]).expect("a reply");
        let failed = format!("ERR CONFIG SET failed (possibly related to argument 'dir') - {reason}");
        assert_eq!(reply, if reason.is_empty() { Reply::Status("OK".into()) } else { Reply::Error(failed) });
    }
    for words in [&["CONFIG", "SET", "dbfilename", "x.rdb"][..], &["SET", "key", "value"], &["SAVE"]] {
        assert!(server.cmd(words).expect("a reply").is_ok(), "{words:?}");
    }
    assert!(other.join("x.rdb").exists() && !server.folder().join("dump.rdb").exists());
    assert!(server.cmd(&["CONFIG", "REWRITE"]).expect("a reply").is_ok());
    assert!(server.conf_text().contains(&format!("dir \"{path}\"\n")), "{}", server.conf_text());
    server.restart();
    assert_eq!(server.cmd(&["GET", "key"]).expect("a reply"), Reply::Bulk(b"value".to_vec()));
}

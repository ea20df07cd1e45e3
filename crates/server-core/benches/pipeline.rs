//! What the server adds to a request: `cargo bench -p picket-server-core --bench pipeline`.
//!
//! Sixteen requests arrive in one piece; each is read, checked, handed to the application and answered,
//! and the replies leave in one piece. The figure is the time of one request.

#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use picket_resp::{Reply, command};
use picket_sansio::{ClientId, Time};
use picket_server_core::{
    Categories, ClientAddresses, CommandSpec, CommandTable, Docs, Flags, Identity, Keys, Server,
    ServerOptions, ServerOutput, Settings, generic,
};

const PIPELINE: u64 = 16;
/// As many commands as a data server has.
const OTHERS: usize = 230;

fn pipeline(c: &mut Criterion) {
    let mut group = c.benchmark_group("pipeline of 16");
    group.throughput(Throughput::Elements(PIPELINE));
    let value = Reply::Bulk(Bytes::from_static(b"some value of common length"));
    let set = ["SET", "user:1000", "some value of common length"];
    for (name, request, reply) in [
        ("PING", command(["PING"]), Reply::ok()),
        ("GET", command(["GET", "user:1000"]), value),
        ("SET", command(set), Reply::ok()),
    ] {
        let requests = request.repeat(usize::try_from(PIPELINE).expect("it is small"));
        for clients in [1_u64, 50] {
            let mut server = server(clients);
            let mut turn = 0;
            group.bench_function(BenchmarkId::new(name, format!("{clients} clients")), |b| {
                b.iter(|| {
                    turn = (turn + 1) % clients;
                    serve(&mut server, ClientId(turn + 1), black_box(&requests), &reply)
                });
            });
        }
    }
    group.finish();
}

fn serve(server: &mut Server, client: ClientId, requests: &[u8], reply: &Reply) -> usize {
    let now = Time(1_000_000);
    server.receive(now, client, requests);
    while let Some(call) = server.next_request(now) {
        if let Some(call) = server.admit(call) {
            server.reply(call.client, black_box(reply));
        }
    }
    let mut sent = 0;
    while let Some(ServerOutput::Send { bytes, .. }) = server.poll_output() {
        sent += bytes.len();
    }
    sent
}

fn server(clients: u64) -> Server {
    let mut table = vec![
        generic::ACL,
        generic::AUTH,
        generic::CLIENT,
        generic::COMMAND,
        generic::HELLO,
        generic::PING,
        data("get", 2, Flags::READONLY.and(Flags::FAST)),
        data("set", -3, Flags::WRITE.and(Flags::DENYOOM)),
    ];
    for index in 0..OTHERS {
        table.push(data(
            format!("{}command", char::from(b'a' + (index % 26) as u8)).repeat(1 + index / 26).leak(),
            -1,
            Flags::NONE,
        ));
    }
    let identity = Identity {
        name: "redis".into(),
        version: "7.4.0".into(),
        valkey_version: None,
        mode: "standalone".into(),
        role: None,
        run_id: "0".repeat(40),
        git_sha1: "00000000".into(),
        build_id: "0".into(),
    };
    let table = CommandTable(table.leak());
    let options =
        ServerOptions::from_settings(&Settings::new(), &[], &[], table, identity).expect("no lines");
    let now = Time(1_000_000);
    let mut server = Server::new(now, options, 1);
    let local = "127.0.0.1:6379".parse().expect("an address");
    for id in 1..=clients {
        server.accept(now, ClientId(id), ClientAddresses::tcp(local, local, 9));
    }
    server
}

fn data(name: &'static str, arity: i32, flags: Flags) -> CommandSpec {
    CommandSpec::new(name, arity, flags, Categories::KEYSPACE, Docs::NONE).with_keys(Keys::One(1))
}

criterion_group!(benches, pipeline);
criterion_main!(benches);

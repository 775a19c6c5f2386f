// A hub and a peer that speak the wire of the original program, and nothing else: PROTOCOL.md, "Streams". Included by a
// main.rs for each version of iroh, which has `endpoint(relay)`.
//
//   original hub RELAY SERVICE SERVICE SERVICE     prints "ticket …"; RELAY is a URL, or "-" for none
//   original peer RELAY TICKET                     prints "ports … … …", or "failed: …" and ends with 1

use std::{error::Error, str::FromStr, time::Duration};

use iroh::{endpoint::Connection, Endpoint, RelayUrl};
use iroh_tickets::endpoint::EndpointTicket;
use tokio::{
    io::{copy_bidirectional, join, AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

const ALPN: &[u8] = b"HIVEMIND/1.0.0";
const HANDSHAKE: &[u8; 11] = b"hivemindp2p";
const ACCEPTED: u8 = 0xff;
const REFUSED: u8 = 0x00;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["hub", relay, ref services @ ..] if services.len() == 3 => hub(relay, services).await,
        ["peer", relay, ticket] => peer(relay, ticket).await,
        _ => Err("usage: original hub RELAY SERVICE SERVICE SERVICE | original peer RELAY TICKET".into()),
    }
}

async fn bind(relay: &str) -> Result<Endpoint> {
    let relay = (relay != "-").then(|| RelayUrl::from_str(relay)).transpose()?;
    let has_relay = relay.is_some();
    let endpoint = endpoint(relay).await?;
    if has_relay {
        timeout(Duration::from_secs(15), endpoint.online()).await?;
    }
    Ok(endpoint)
}

async fn hub(relay: &str, services: &[&str]) -> Result<()> {
    let endpoint = bind(relay).await?;
    println!("ticket {}", EndpointTicket::new(endpoint.addr()));
    let services: Vec<String> = services.iter().map(|service| service.to_string()).collect();
    while let Some(incoming) = endpoint.accept().await {
        let services = services.clone();
        tokio::spawn(async move {
            if let Ok(connection) = incoming.await {
                println!("a peer is connected");
                serve(connection, services).await;
                println!("a peer has gone");
            }
        });
    }
    Ok(())
}

async fn serve(connection: Connection, services: Vec<String>) {
    while let Ok((mut send, mut recv)) = connection.accept_bi().await {
        let services = services.clone();
        tokio::spawn(async move {
            let mut header = [0; 12];
            recv.read_exact(&mut header).await?;
            let service = (header[0] as usize).checked_sub(1).and_then(|id| services.get(id));
            let Some(service) = service.filter(|_| &header[1..] == HANDSHAKE) else {
                send.write_all(&[REFUSED]).await?;
                return Ok(());
            };
            // The original says so before it knows whether the service runs.
            send.write_all(&[ACCEPTED]).await?;
            let mut socket = TcpStream::connect(service).await?;
            copy_bidirectional(&mut join(recv, send), &mut socket).await?;
            Result::Ok(())
        });
    }
}

async fn peer(relay: &str, ticket: &str) -> Result<()> {
    let endpoint = bind(relay).await?;
    let address = EndpointTicket::from_str(ticket)?.endpoint_addr().clone();
    let connection = match timeout(Duration::from_secs(10), endpoint.connect(address, ALPN)).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => return failed(&error.to_string()),
        Err(_) => return failed("no answer"),
    };
    let mut listeners = Vec::new();
    for _ in 0..3 {
        listeners.push(TcpListener::bind("127.0.0.1:0").await?);
    }
    let ports: Vec<String> = listeners
        .iter()
        .map(|listener| listener.local_addr().map(|address| address.port().to_string()))
        .collect::<std::io::Result<_>>()?;
    println!("ports {}", ports.join(" "));
    for (id, listener) in (1u8..).zip(listeners) {
        let connection = connection.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(forward(connection.clone(), id, socket));
            }
        });
    }
    connection.closed().await;
    println!("the hub has gone");
    Ok(())
}

async fn forward(connection: Connection, id: u8, mut socket: TcpStream) -> Result<()> {
    let (mut send, mut recv) = connection.open_bi().await?;
    send.write_all(&[id]).await?;
    send.write_all(HANDSHAKE).await?;
    if recv.read_u8().await? != ACCEPTED {
        println!("refused");
        return Ok(());
    }
    copy_bidirectional(&mut join(recv, send), &mut socket).await?;
    // copy_bidirectional has shut the socket down; what the kernel still holds is sent.
    socket.flush().await?;
    Ok(())
}

fn failed(why: &str) -> Result<()> {
    println!("failed: {why}");
    std::process::exit(1);
}

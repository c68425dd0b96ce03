//! What one SRTP packet costs with each cryptographic library: sealed and opened in place, with a 28-byte header as
//! additional data. Prints nanoseconds, best of five rounds. The result is in `docs/decisions/0002-crypto.md`.

use std::time::Instant;

const PACKETS: usize = 100_000;
const POOL: usize = 2_000;
const HEADER: usize = 28;
const KEY: [u8; 32] = [9; 32];

type Step<'a> = Box<dyn FnMut(&mut Vec<u8>, u32) + 'a>;

fn nonce(index: u32) -> [u8; 12] {
    let mut nonce = [7; 12];
    nonce[8..].copy_from_slice(&index.to_be_bytes());
    nonce
}

fn iv(index: u32) -> [u8; 16] {
    let mut iv = [7; 16];
    iv[8..12].copy_from_slice(&index.to_be_bytes());
    iv[12..].fill(0);
    iv
}

fn measure(name: &str, size: usize, (mut seal, mut open): (Step, Step)) {
    let mut best = [f64::MAX; 2];
    for _ in 0..5 {
        let mut spent = [0.0; 2];
        for round in 0..PACKETS / POOL {
            let mut pool: Vec<Vec<u8>> = (0..POOL)
                .map(|_| {
                    let mut packet = Vec::with_capacity(1_500);
                    packet.resize(size, 0x55);
                    packet
                })
                .collect();
            for (step, spent) in [&mut seal, &mut open].into_iter().zip(&mut spent) {
                let start = Instant::now();
                for (at, packet) in pool.iter_mut().enumerate() {
                    step(packet, (round * POOL + at) as u32);
                }
                *spent += start.elapsed().as_secs_f64();
            }
            assert!(pool.iter().all(|packet| packet.len() == size && packet[size - 1] == 0x55));
        }
        for (best, spent) in best.iter_mut().zip(spent) {
            *best = best.min(spent / PACKETS as f64 * 1e9);
        }
    }
    println!("{name:24} {size:5} B  seal {:5.0} ns  open {:5.0} ns", best[0], best[1]);
}

macro_rules! ring_like {
    ($library:ident, $algorithm:ident, $length:expr) => {{
        use $library::aead::{Aad, LessSafeKey, Nonce, UnboundKey, $algorithm};
        let key = || LessSafeKey::new(UnboundKey::new(&$algorithm, &KEY[..$length]).expect("key"));
        let (sealing, opening) = (key(), key());
        let seal: Step = Box::new(move |packet, index| {
            let (header, payload) = packet.split_at_mut(HEADER);
            let nonce = Nonce::assume_unique_for_key(nonce(index));
            let tag = sealing.seal_in_place_separate_tag(nonce, Aad::from(&*header), payload).expect("seal");
            packet.extend_from_slice(tag.as_ref());
        });
        let open: Step = Box::new(move |packet, index| {
            let (header, payload) = packet.split_at_mut(HEADER);
            let nonce = Nonce::assume_unique_for_key(nonce(index));
            opening.open_in_place(nonce, Aad::from(&*header), payload).expect("open");
            packet.truncate(packet.len() - 16);
        });
        (seal, open)
    }};
}

macro_rules! rust_crypto {
    ($cipher:ident, $length:expr) => {{
        use aes_gcm::aead::{AeadInPlace, KeyInit};
        use aes_gcm::$cipher;
        let key = || $cipher::new_from_slice(&KEY[..$length]).expect("key");
        let (sealing, opening) = (key(), key());
        let seal: Step = Box::new(move |packet, index| {
            let (header, payload) = packet.split_at_mut(HEADER);
            let tag = sealing.encrypt_in_place_detached(&nonce(index).into(), header, payload).expect("seal");
            packet.extend_from_slice(&tag);
        });
        let open: Step = Box::new(move |packet, index| {
            let length = packet.len() - 16;
            let (sealed, tag) = packet.split_at_mut(length);
            let (header, payload) = sealed.split_at_mut(HEADER);
            let tag = (&*tag).into();
            opening.decrypt_in_place_detached(&nonce(index).into(), header, payload, tag).expect("open");
            packet.truncate(length);
        });
        (seal, open)
    }};
}

/// AES128_CM_SHA1_80 from a key stream and an authenticator.
fn counter_mode<'a>(
    stream: impl Fn(&mut [u8], u32) + Clone + 'a,
    tag: impl Fn(&[u8]) -> [u8; 10] + Clone + 'a,
) -> (Step<'a>, Step<'a>) {
    let (streaming, tagging) = (stream.clone(), tag.clone());
    let seal: Step = Box::new(move |packet, index| {
        streaming(&mut packet[HEADER..], index);
        let tag = tagging(packet);
        packet.extend_from_slice(&tag);
    });
    let open: Step = Box::new(move |packet, index| {
        let length = packet.len() - 10;
        assert_eq!(tag(&packet[..length]), packet[length..]);
        packet.truncate(length);
        stream(&mut packet[HEADER..], index);
    });
    (seal, open)
}

fn aws_lc_counter_mode<'a>() -> (Step<'a>, Step<'a>) {
    use std::rc::Rc;

    use aws_lc_rs::cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey};
    use aws_lc_rs::hmac;
    let key = Rc::new(EncryptingKey::ctr(UnboundCipherKey::new(&AES_128, &KEY[..16]).expect("key")).expect("key"));
    let authentication = Rc::new(hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &[3; 20]));
    counter_mode(
        move |payload, index| {
            key.less_safe_encrypt(payload, EncryptionContext::Iv128(iv(index).into())).expect("encrypt");
        },
        move |packet| {
            let mut context = hmac::Context::with_key(&authentication);
            context.update(packet);
            context.update(&[0; 4]);
            context.sign().as_ref()[..10].try_into().expect("tag")
        },
    )
}

fn rust_crypto_counter_mode<'a>() -> (Step<'a>, Step<'a>) {
    use ctr::cipher::{InnerIvInit, KeyInit, StreamCipher, StreamCipherCoreWrapper};
    use hmac::Mac;
    let key = aes::Aes128::new(&<[u8; 16]>::try_from(&KEY[..16]).expect("key").into());
    let authentication = <hmac::Hmac<sha1::Sha1> as Mac>::new_from_slice(&[3; 20]).expect("key");
    counter_mode(
        move |payload, index| {
            let core = ctr::CtrCore::<_, ctr::flavors::Ctr128BE>::inner_iv_init(key.clone(), &iv(index).into());
            StreamCipherCoreWrapper::from_core(core).apply_keystream(payload);
        },
        move |packet| {
            let mut mac = authentication.clone();
            mac.update(packet);
            mac.update(&[0; 4]);
            mac.finalize().into_bytes()[..10].try_into().expect("tag")
        },
    )
}

fn main() {
    for size in [100, 1_000] {
        measure("aws-lc-rs AES-128-GCM", size, ring_like!(aws_lc_rs, AES_128_GCM, 16));
        measure("ring AES-128-GCM", size, ring_like!(ring, AES_128_GCM, 16));
        measure("RustCrypto AES-128-GCM", size, rust_crypto!(Aes128Gcm, 16));
        measure("aws-lc-rs AES-256-GCM", size, ring_like!(aws_lc_rs, AES_256_GCM, 32));
        measure("ring AES-256-GCM", size, ring_like!(ring, AES_256_GCM, 32));
        measure("RustCrypto AES-256-GCM", size, rust_crypto!(Aes256Gcm, 32));
        measure("aws-lc-rs CM-SHA1-80", size, aws_lc_counter_mode());
        measure("RustCrypto CM-SHA1-80", size, rust_crypto_counter_mode());
    }
}

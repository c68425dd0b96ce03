//! Any payload as VP8, H264, VP9, AV1 and Opus; picture numbers are rewritten where there are any.
#![no_main]

use libfuzzer_sys::fuzz_target;
use relay_core::wire::codecs::Codec;
use relay_core::forward::picture::PictureNumbers;

fuzz_target!(|bytes: &[u8]| {
    for codec in [Codec::Opus, Codec::Vp8, Codec::H264, Codec::Vp9, Codec::Av1] {
        let (keyframe, fits) = (codec.starts_keyframe(bytes), codec.fits(bytes));
        if let Some(picture) = codec.picture(bytes) {
            let mut written = Vec::new();
            PictureNumbers::default().rewrite(bytes, picture, &mut written);
            let again = codec.picture(&written).expect("a rewritten payload has the same shape");
            assert_eq!((again.id, again.long), (0, true));
            assert_eq!(again.base_layer.map(|(_, value)| value), picture.base_layer.map(|_| 0));
            assert_eq!((codec.starts_keyframe(&written), codec.fits(&written)), (keyframe, fits));
        }
    }
});

"""A camera and a microphone that belong together, in any browser: patches, a bar that moves, a flash with each beep.

They are drawn and sounded by the page itself in the place of the browser's devices.
"""

PATCHES = {"left": (220, 30, 30), "middle": (30, 170, 50), "right": (40, 60, 210)}
"""Red, green, blue of three thirds of the picture's upper half."""

SCENE = """() => {
  const begin = () => {
    const canvas = document.createElement('canvas');
    canvas.width = 320; canvas.height = 240;
    const picture = canvas.getContext('2d');
    const sound = new AudioContext();
    const tone = new OscillatorNode(sound, { frequency: 1000 });
    const volume = new GainNode(sound, { gain: 0 });
    const microphone = sound.createMediaStreamDestination();
    tone.connect(volume).connect(microphone);
    tone.start();
    let loud = false;
    const paint = () => {
      // One clock for both: whether it flashes is decided at the moment at which it beeps.
      const on = performance.now() % 1000 < 150;
      if (on !== loud) volume.gain.value = on ? 0.5 : 0;
      loud = on;
      ['rgb(220,30,30)', 'rgb(30,170,50)', 'rgb(40,60,210)'].forEach((colour, third) => {
        picture.fillStyle = colour;
        picture.fillRect(107 * third, 0, 107, 120);
      });
      picture.fillStyle = on ? 'white' : 'black';
      picture.fillRect(0, 120, 320, 80);
      picture.fillStyle = 'black';
      picture.fillRect(0, 200, 320, 40);
      picture.fillStyle = 'white';
      picture.fillRect(Math.floor(performance.now() / 50) % 20 * 16, 200, 16, 40);
    };
    paint();
    setInterval(paint, 10);
    return [...canvas.captureStream(30).getTracks(), ...microphone.stream.getTracks()];
  };
  let tracks = null;
  navigator.mediaDevices.getUserMedia = async () => {
    tracks ??= begin();
    return new MediaStream(tracks.map((track) => track.clone()));
  };
}"""

BEGIN_OFFSETS = """(label) => {
  const video = document.querySelector(`video[aria-label="${label}"]`);
  const seen = [], heard = [];
  window.offsets = () => heard.flatMap((at) => {
    const flash = seen.find((other) => Math.abs(other - at) < 400);
    return flash === undefined ? [] : [flash - at];
  });
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 8;
  const picture = canvas.getContext('2d', { willReadFrequently: true });
  let bright = true;
  const painted = () => {
    picture.drawImage(video, 0, video.videoHeight * 0.6, video.videoWidth, video.videoHeight * 0.15, 0, 0, 8, 8);
    const is = picture.getImageData(4, 4, 1, 1).data[1] > 128;
    if (is && !bright) seen.push(performance.now());
    bright = is;
    video.requestVideoFrameCallback(painted);
  };
  video.requestVideoFrameCallback(painted);
  const sound = new AudioContext();
  // Longer than a busy machine keeps a timer waiting.
  const analyser = new AnalyserNode(sound, { fftSize: 32768 });
  sound.createMediaStreamSource(video.srcObject).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  setInterval(() => {
    const now = performance.now();
    analyser.getFloatTimeDomainData(samples);
    const at = (index) => now - (samples.length - index) * 1000 / sound.sampleRate;
    for (let index = 4800, quiet = 0; index < samples.length; index++) {
      const loud = Math.abs(samples[index]) > 0.1;
      if (loud && quiet > 4800 && !heard.some((other) => Math.abs(other - at(index)) < 300)) heard.push(at(index));
      quiet = loud ? 0 : quiet + 1;
    }
  }, 50);
}"""
"""Begin to note by how many milliseconds each flash comes after its beep: `window.offsets()`."""

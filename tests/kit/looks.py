"""What can be seen of a video, in any browser."""

LOOK = """async (video) => {
  const canvas = document.createElement('canvas');
  canvas.width = 60; canvas.height = 48;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.drawImage(video, 0, 0, 60, 48);
  const mean = (x, y, width, height) => {
    const { data } = context.getImageData(x, y, width, height);
    const sums = [0, 0, 0];
    for (let i = 0; i < data.length; i += 4) for (let c = 0; c < 3; c++) sums[c] += data[i + c];
    return sums.map((sum) => sum / (data.length / 4));
  };
  const bar = [];
  for (let x = 0; x < 60; x++) bar.push(mean(x, 44, 1, 1)[1] + mean(x, 44, 1, 1)[2]);
  return {
    colour: mean(4, 4, 52, 24),
    left: mean(4, 4, 12, 16), middle: mean(24, 4, 12, 16), right: mean(44, 4, 12, 16),
    bar: bar.indexOf(Math.max(...bar)), width: video.videoWidth,
  };
}"""
"""The mean colour of the upper part and of its three patches, and where the white bar is."""

PICTURE = f"""async () => {{
  const video = document.querySelector('video[aria-label="Partner video"]');
  return video && video.videoWidth ? await ({LOOK})(video) : null;
}}"""
"""The same of the partner's picture; null before there is one."""

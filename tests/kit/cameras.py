"""Fake cameras and microphones that tell people apart: one colour and one tone each.

Chromium plays them from files: a Y4M picture with a bar that moves, and a WAV tone.
"""

import wave
from pathlib import Path

import numpy as np

WIDTH, HEIGHT, FPS, SECONDS = 320, 240, 20, 3
SAMPLE_RATE = 48_000

COLOURS = {
    "red": (81, 90, 240),
    "green": (145, 54, 34),
    "blue": (41, 240, 110),
    "yellow": (210, 16, 146),
}
"""Y, Cb, Cr (BT.601, limited range)."""

TONES = {"red": 440, "green": 660, "blue": 880, "yellow": 1_100}
"""Hertz."""


def camera(colour: str, folder: Path) -> Path:
    """A Y4M file that loops: a plain colour, and a white bar that crosses it once a second."""
    path = folder / f"{colour}.y4m"
    luma, blue, red = COLOURS[colour]
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{FPS}:1 Ip A1:1 C420jpeg\n".encode())
        for number in range(FPS * SECONDS):
            picture = np.full((HEIGHT, WIDTH), luma, np.uint8)
            left = number % FPS * (WIDTH // FPS)
            picture[HEIGHT - 40 :, left : left + 16] = 235
            file.write(b"FRAME\n" + picture.tobytes())
            file.write(bytes([blue]) * (WIDTH * HEIGHT // 4) + bytes([red]) * (WIDTH * HEIGHT // 4))
    return path


def microphone(colour: str, folder: Path) -> Path:
    """A WAV file that loops: a tone that is on for half of each second."""
    path = folder / f"{colour}.wav"
    at = np.arange(SAMPLE_RATE * 2)
    is_on = at % SAMPLE_RATE < SAMPLE_RATE // 2
    samples = (is_on * 12_000 * np.sin(2 * np.pi * TONES[colour] * at / SAMPLE_RATE)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.tobytes())
    return path

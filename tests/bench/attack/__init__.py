"""Those who attack, those who are attacked, and those who look on."""

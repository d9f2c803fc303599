"""From a CSV with semicolons, decimal commas and gaps to a trained network and its page."""

import random
from pathlib import Path

import thalweg as tw

draw = random.Random(0)
lines = ["sold;area;quarter;price;rooms"]
for number in range(1, 241):
    rooms = draw.randint(1, 6)
    area = f"{20 * rooms + draw.uniform(0, 15):.1f}".replace(".", ",")
    quarter = draw.choice(["Zürich-West", "Altstadt", '"Enge; Nord"', ""])
    price = 90_000 * rooms + 60_000 * (quarter == "Altstadt") + draw.gauss(0, 5_000)
    sold = f"2024-{1 + number % 12:02d}-{1 + number % 28:02d}"
    # Some areas are unknown; some flats are not sold yet and have no price to learn from.
    area = "" if number % 40 == 0 else area
    price = "" if number % 60 == 0 else f"{price:.0f}"
    lines.append(f"{sold};{area};{quarter};{price};{rooms}")
Path("flats.csv").write_text("\n".join(lines), encoding="utf-8")

data = tw.load("flats.csv", "price")
for choice in data.schema.choices:
    print(f"{choice.setting}: {choice.value} ({choice.reason})")

run = tw.fit("mlp", data, epochs=30, learning_rate=0.01, out="runs/flats")
print(run.score("test"))
flat = {"sold": "2024-06-01", "area": None, "quarter": "Altstadt", "rooms": 4}
print(run.predict([flat]).rows())
print(run.report())

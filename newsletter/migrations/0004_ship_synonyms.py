"""About a hundred unambiguous acronyms, accepted; what an operator has of them already stays."""

from typing import Any

from django.db import migrations
from django.utils import timezone


def ship(apps: Any, schema_editor: Any) -> None:
    # Values of the pure core: a later table is shipped by a later migration, in the same way.
    from newsletter.matching.synonyms import DEFAULT_SYNONYMS, long_key

    synonyms = apps.get_model("newsletter", "Synonym").objects
    now = timezone.now()
    taken = set(synonyms.filter(state="accepted").values_list("short", flat=True))
    synonyms.bulk_create(
        [
            synonyms.model(
                short=short, long=long, key=long_key(long),
                state="accepted", source="shipped", decided_at=now,
            )
            for short, long in DEFAULT_SYNONYMS.pairs
            if short not in taken
        ],
        ignore_conflicts=True,
    )


def withdraw(apps: Any, schema_editor: Any) -> None:
    apps.get_model("newsletter", "Synonym").objects.filter(source="shipped").delete()


class Migration(migrations.Migration):
    dependencies = [("newsletter", "0003_synonyms")]
    operations = [migrations.RunPython(ship, withdraw)]

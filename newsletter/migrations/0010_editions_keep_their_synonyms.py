"""An edition keeps the synonyms it was matched with; why a paper matched is worked out from them."""

from django.db import migrations, models


def keep_synonyms(apps, schema_editor):
    """Give editions matched before the synonyms accepted now: the nearest that is known."""
    synonyms = apps.get_model("newsletter", "Synonym").objects.filter(state="accepted")
    pairs = [list(pair) for pair in synonyms.order_by("short", "key").values_list("short", "long")]
    editions = apps.get_model("newsletter", "Edition").objects
    editions.filter(matched_at__isnull=False).update(synonyms=pairs)


class Migration(migrations.Migration):
    dependencies = [("newsletter", "0009_managing")]

    operations = [
        migrations.AddField(
            model_name="edition",
            name="synonyms",
            field=models.JSONField(
                default=list,
                editable=False,
                help_text="Pairs that counted when it was matched, so that its reasons stay the same.",
            ),
        ),
        migrations.RunPython(keep_synonyms, migrations.RunPython.noop),
    ]

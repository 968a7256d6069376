"""Say of which listing the counts are: until now, of the newest."""

from django.db import migrations
from django.db.models import F


def date_counts(apps, schema_editor):
    papers = apps.get_model("newsletter", "Paper").objects.filter(counted_on=None)
    papers.update(counted_on=F("newest_listing"), listed_version=F("version"))


class Migration(migrations.Migration):

    dependencies = [
        ("newsletter", "0020_paper_identity"),
    ]

    operations = [migrations.RunPython(date_counts, migrations.RunPython.noop)]

"""Letters are claimed by their time and number: the index has both, so nothing is sorted."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('newsletter', '0081_source_witness'),
        ('subscribers', '0005_leaving'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='delivery',
            name='delivery_due',
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('state__in', ['queued', 'deferred'])), fields=['next_at', 'id'], name='delivery_due'),
        ),
    ]

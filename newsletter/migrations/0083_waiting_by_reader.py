"""A chunk of readers finds which of their letters wait, without passing those of all others."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('newsletter', '0082_claimed_in_order'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('state__in', ['queued', 'deferred'])), fields=['subscriber'], name='delivery_waiting'),
        ),
    ]

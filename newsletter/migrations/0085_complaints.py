"""A complaint finds its letter by Message-ID; an edition's complaints are counted at once."""

import django.contrib.postgres.indexes
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('newsletter', '0084_back_from_being_down'),
        ('subscribers', '0005_leaving'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='delivery',
            index=django.contrib.postgres.indexes.HashIndex(condition=models.Q(('state__in', ['sent', 'in_doubt'])), fields=['message_id'], name='delivery_by_message_id'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('complained_at__isnull', False)), fields=['edition'], name='delivery_complained'),
        ),
    ]

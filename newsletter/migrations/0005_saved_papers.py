"""What readers saved or opened: one row per reader and paper."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('newsletter', '0004_ship_synonyms'),
        ('subscribers', '0003_similar_papers'),
    ]

    operations = [
        migrations.CreateModel(
            name='SavedPaper',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('how', models.CharField(choices=[('saved', 'saved'), ('opened', 'opened')], default='saved', max_length=6)),
                ('saved_at', models.DateTimeField()),
                ('paper', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='saved_by', to='newsletter.paper')),
                ('subscriber', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='saved_papers', to='subscribers.subscriber', verbose_name='reader')),
            ],
            options={
                'indexes': [models.Index(fields=['subscriber', '-saved_at'], name='saved_newest')],
                'constraints': [models.UniqueConstraint(fields=('subscriber', 'paper'), name='saved_once_per_reader'), models.CheckConstraint(condition=models.Q(('how__in', ['saved', 'opened'])), name='saved_how_known')],
            },
        ),
    ]

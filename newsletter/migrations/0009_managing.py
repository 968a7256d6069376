"""Counts outlive their deliveries; a reading list has a feed; more like this is a wish of its own."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('newsletter', '0008_reading'),
        ('subscribers', '0005_leaving'),
    ]

    operations = [
        migrations.CreateModel(
            name='Chore',
            fields=[
                ('name', models.CharField(max_length=24, primary_key=True, serialize=False)),
                ('done_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='EditionTally',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(max_length=9)),
                ('deliveries', models.PositiveIntegerField(default=0)),
                ('papers', models.PositiveIntegerField(default=0)),
                ('bounced', models.PositiveIntegerField(default=0)),
                ('complained', models.PositiveIntegerField(default=0)),
            ],
            options={
                'verbose_name_plural': 'edition tallies',
            },
        ),
        migrations.CreateModel(
            name='SavedFeed',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.BigIntegerField()),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='savedpaper',
            name='saved_how_known',
        ),
        migrations.AlterField(
            model_name='savedpaper',
            name='how',
            field=models.CharField(choices=[('saved', 'saved'), ('liked', 'wanted more of'), ('opened', 'opened')], default='saved', max_length=6),
        ),
        migrations.AddConstraint(
            model_name='savedpaper',
            constraint=models.CheckConstraint(condition=models.Q(('how__in', ['saved', 'liked', 'opened'])), name='saved_how_known'),
        ),
        migrations.AddField(
            model_name='editiontally',
            name='edition',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='tallies', to='newsletter.edition'),
        ),
        migrations.AddField(
            model_name='savedfeed',
            name='subscriber',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='saved_feed', to='subscribers.subscriber', verbose_name='reader'),
        ),
        migrations.AddConstraint(
            model_name='editiontally',
            constraint=models.UniqueConstraint(fields=('edition', 'state'), name='tally_once_per_state'),
        ),
        migrations.AddConstraint(
            model_name='editiontally',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['sent', 'failed', 'in_doubt', 'cancelled', 'empty'])), name='tally_state_is_an_end'),
        ),
    ]
